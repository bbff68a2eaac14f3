#!/bin/sh
# Makes a flatpak remote with three versions of one application, signed, and serves it.
# usage: flatpak_remote.sh ADDRESS
set -eu
folder=/srv/flatpak
address=http://$1:8000
arch=$(flatpak --default-arch)
export GNUPGHOME=/root/flatpak-key
mkdir -p -m 0700 "$GNUPGHOME"
mkdir -p "$folder" && cd "$folder"

gpg --batch --quiet --passphrase '' --quick-generate-key 'Molecule <molecule@example.invalid>' ed25519
key=$(gpg --list-keys --with-colons | awk -F: '$1 == "fpr" {print $10; exit}')

export_tree() {
  flatpak build-export --gpg-sign="$key" --gpg-homedir="$GNUPGHOME" "$@" >/dev/null
}

# A runtime that holds a shell and what the shell needs.
mkdir -p runtime/usr/bin runtime/files
cp /bin/sh runtime/usr/bin/sh
for library in $(ldd /bin/sh | grep -o '/[^ ]*'); do
  mkdir -p "runtime/usr/$(dirname "${library#/usr}")"
  cp -L "$library" "runtime/usr/${library#/usr}"
done
printf '[Runtime]\nname=org.school.Platform\nruntime=org.school.Platform/%s/1\nsdk=org.school.Platform/%s/1\n' \
  "$arch" "$arch" > runtime/metadata
export_tree --runtime repo runtime 1

# The application; version 2.1 says that it is not well.
commits=
for version in 1.0 2.0 2.1; do
  rm -rf app && mkdir -p app/files/bin app/export
  cat > app/files/bin/paint <<END
#!/bin/sh
echo "school paint $version"
[ $version != 2.1 ] || { echo "cannot open its canvas" >&2; exit 1; }
END
  chmod 0755 app/files/bin/paint
  printf '[Application]\nname=org.school.Paint\nruntime=org.school.Platform/%s/1\nsdk=org.school.Platform/%s/1\ncommand=paint\n' \
    "$arch" "$arch" > app/metadata
  export_tree --subject="version $version" repo app stable
  commits="$commits${commits:+, }\"$version\": \"$(cat "repo/refs/heads/app/org.school.Paint/$arch/stable")\""
done
flatpak build-update-repo --gpg-sign="$key" --gpg-homedir="$GNUPGHOME" repo >/dev/null

echo "{$commits}" > commits.json
printf '[Flatpak Repo]\nTitle=School\nUrl=%s/repo/\nGPGKey=%s\n' \
  "$address" "$(gpg --export "$key" | base64 --wrap=0)" > school.flatpakrepo
systemd-run --quiet --unit=flatpak-remote python3 -m http.server 8000 --directory "$folder"
