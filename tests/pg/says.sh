# SPDX-License-Identifier: BSD-3-Clause
# says.sh - what parts in shell compare with; sourced by them. One line each, without numbers.

# equal NAME GOT WANTED
equal() {
	[ "$2" = "$3" ] && { echo "ok - $1"; return; }
	echo "not ok - $1"
	diff <(echo "$3") <(echo "$2") | head -20 | sed 's/^/# /'
}

# has NAME GOT PART
has() {
	case $2 in
	*"$3"*) echo "ok - $1" ;;
	*) echo "not ok - $1"; echo "$2" | head -5 | sed 's/^/# /' ;;
	esac
}

# q ARGUMENT...: of psql; rows alone, and errors among them
q() { psql -XAtq -v ON_ERROR_STOP=1 "$@" 2>&1; }
