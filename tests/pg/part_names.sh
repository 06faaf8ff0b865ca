# SPDX-License-Identifier: BSD-3-Clause
# part_names.sh - a manager (cxl_sec_mgr) that is known by a name, and a resolver that is silent: a backend
# that waits for it can be cancelled and ended. The resolver is a real one, as in tests/redis/lookup.sh, in
# namespaces of our own. Sourced by run; names_inside.sh is what runs there.

each_check < <(
	[ "$(id -u)" = 0 ] && for f in /etc/hosts /etc/resolv.conf /etc/nsswitch.conf; do
		unshare -mn mount --bind /etc/hosts "$f" 2>/dev/null || exit 1
	done || { echo 'ok - a silent resolver # SKIP no namespaces here to have one in'; exit; }
	unshare -mn bash "$here/names_inside.sh" && echo 'ok - ran to its end'
)
wait $!
check "$p: every test ran" $?
