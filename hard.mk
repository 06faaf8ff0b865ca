# SPDX-License-Identifier: BSD-3-Clause
# hard.mk - hardening of everything that is compiled and linked here, by Makefile and by
# pg-extension/Makefile. What it costs is in docs/decisions.md, "Hardened binaries";
# tests/e2e/hardened.sh checks it on the binaries. Set CC and SAN before.

# FORTIFY_SOURCE would hide from a sanitizer what it is to find; 3 costs 11 % of sealing a value.
target    := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
hard      := -fstack-protector-strong -fstack-clash-protection \
             $(if $(filter x86_64,$(target)),-fcf-protection=full) \
             $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
# -pie is for programs; with -shared the compiler leaves it out
hard_link := -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code
