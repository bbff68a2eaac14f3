# Checks a new 10-baseline.conf, given as $0, together with all that sshd reads beside it. It
# must not keep out the account that is writing it, or nobody could put it right from afar.
# Ansible puts this through Python's string formatting: no per cent sign may be in it.
set -eu
user=${SUDO_USER:-root}
all=$(mktemp)
trap 'rm -f "$all"' EXIT

# sshd takes the first word on a matter, but AllowGroups adds up.
{
  cat "$0"
  for other in /etc/ssh/sshd_config.d/*.conf; do
    [ "$other" = /etc/ssh/sshd_config.d/10-baseline.conf ] || [ ! -f "$other" ] || cat "$other"
  done
  grep -v '^Include /etc/ssh/sshd_config.d' /etc/ssh/sshd_config
} > "$all"
/usr/sbin/sshd -t -f "$all"
told=$(/usr/sbin/sshd -T -f "$all" -C "user=$user,host=localhost,addr=127.0.0.1")

keeps_out() {
  echo "$1 would keep out $user, who is logged in now" >&2
  exit 1
}

if [ "$user" = root ] && echo "$told" | grep -q '^permitrootlogin no$'; then
  keeps_out PermitRootLogin
fi
allowed=$(echo "$told" | sed -n 's/^allowgroups //p')
for name in $allowed; do
  for group in $(id -nG "$user"); do
    if [ "$group" = "$name" ]; then exit 0; fi
  done
done
[ -z "$allowed" ] || keeps_out "AllowGroups $(echo $allowed)"
