/* Perl face.  Names of later Perls, as 5.14 has the things that they stand for
 * (t/56-faults-perls.t: what is defined here may be used).  Included where one of them is. */
#ifndef NETIO_XS_OLDER_H
#define NETIO_XS_OLDER_H

#include "perlapi.h"

#ifndef OpSIBLING
#define OpSIBLING(o) ((o)->op_sibling)
#endif

#ifndef CLEAR_ERRSV
#define CLEAR_ERRSV() sv_setpvs(ERRSV, "")
#endif

#ifndef TAINTING_get
#define TAINTING_get PL_tainting
#endif

/* From 5.28 on perl knows which locale it has set. */
#if PERL_VERSION < 28
#define Perl_setlocale setlocale
#endif

/* Before 5.18 a pad was an array of arrays, and the name of a lexical a scalar. */
#ifndef PadlistARRAY
#define PADNAME            SV
#define PADNAMELIST        AV
#define PadlistARRAY(list) ((AV **)AvARRAY(list))
#define PadlistMAX(list)   AvFILLp(list)
#define PadlistNAMES(list) (*PadlistARRAY(list))
#define PadnamelistARRAY   AvARRAY
#define PadnamelistMAX     AvFILLp
#define PadnamePV(name)    (SvPOKp(name) ? SvPVX_const(name) : NULL)
#define PadnameLEN         SvCUR
#define PadnameOUTER(name) (SvFAKE(name) != 0)
#define PadnameIsSTATE     SvPAD_STATE
#define PadnameIsOUR       SvPAD_OUR
#endif

#endif
