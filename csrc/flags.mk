# csrc/flags.mk: how C is compiled and linked, for csrc/, daemon/ and fuzz/.
#
#   make CC=clang CFLAGS=-O3 LDFLAGS=-Wl,-z,now
#   make SANITIZE=address,undefined     sanitizers of that name in everything
#   make WERROR=1                       warnings are errors
#   make B=build-NAME                   in another folder than build/, so that builds with
#                                       different flags can stand side by side

CC         = cc
AR         = ar
PKG_CONFIG = pkg-config

B        = build
SANITIZE =
WERROR   =
CFLAGS   = $(if $(SANITIZE),-O1 -g,-O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2)
LDFLAGS  =

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla

SANFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-sanitize-recover=all \
           -fno-omit-frame-pointer)
COMPILE  = $(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) $(if $(WERROR),-Werror) $(SANFLAGS) \
           $(PKG_CFLAGS) $(CFLAGS) -MMD -MP
LINK     = $(CC) $(SANFLAGS) $(CFLAGS) $(LDFLAGS)
LIBS     = $(PKG_LIBS) -lm

# Tests named fault-*.c, or DAEMON-fault-*.c, make the calls fail that ../t/c/fault.h lists.
WRAPS := $(shell sed -n 's/^ *X.\([a-z0-9_]*\),.*/-Wl,--wrap=\1/p' ../t/c/fault.h)

# The libraries of PKGS are asked for once, and not at all for "make clean".
ifneq ($(MAKECMDGOALS),clean)
PKG_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(PKGS))
PKG_LIBS   := $(shell $(PKG_CONFIG) --libs $(PKGS))
ifneq ($(.SHELLSTATUS),0)
$(error a library is missing: perl Makefile.PL says which)
endif
endif

# $(B)/flags and $(B)/members change only when the flags, or the list of objects, change: what
# was compiled with others, or holds what is gone, is out of date.
define note
@mkdir -p $(B)
@echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
endef

$(B)/flags: FORCE
	$(call note,$(COMPILE) / $(LINK))

$(B)/members: FORCE
	$(call note,$(OBJECTS))

FORCE:
.PHONY: FORCE
.SECONDARY:
.DELETE_ON_ERROR:
