#!/bin/sh
# Install the packages of deploy/packages.txt that are missing, with sudo when not root.
# `--list` only prints what is missing. Services that the packages would start are kept
# from starting where they were not there before: nothing of ours uses them.
set -eu
cd "$(dirname "$0")/.."

missing=
for p in $(sed 's/#.*//' deploy/packages.txt); do
	dpkg-query -W -f '${Status}\n' "$p" 2>/dev/null | grep -q 'ok installed' ||
		missing="$missing $p"
done
if [ "${1:-}" = --list ]; then
	echo $missing
	exit 0
fi
if [ -z "$missing" ]; then
	echo "setup: every package of deploy/packages.txt is there"
	exit 0
fi
as_root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "setup: not root and no sudo; have these installed:$missing" >&2
		exit 1
	}
	as_root=sudo
fi
echo "setup: installing$missing"
# policy-rc.d 101 = start nothing; left alone if the machine has one already
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e $policy ]; then
	printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null
	$as_root chmod 755 $policy
	made=$policy
fi
trap '[ -z "$made" ] || $as_root rm -f "$made"' EXIT INT TERM
$as_root apt-get update -qq
# The package postgresql-15 makes a cluster at its first installation; not for us.
if [ ! -e /etc/postgresql-common/createcluster.conf ] && [ ! -d /etc/postgresql ]; then
	$as_root mkdir -p /etc/postgresql-common/createcluster.d
	printf 'create_main_cluster = false\n' |
		$as_root tee /etc/postgresql-common/createcluster.d/no-main.conf >/dev/null
fi
$as_root env DEBIAN_FRONTEND=noninteractive \
	apt-get install -y -qq --no-install-recommends $missing
