#!/usr/bin/env bash
# Installs the plugin with real krew, as a user would, runs it through kubectl and uninstalls it.
# Nothing outside of a temporary folder is touched, and nothing is downloaded but Go modules: the
# index is a local git repository, and the archive comes from a server on 127.0.0.1.
set -euo pipefail
exec 2>&1 # krew speaks on stderr: keep its lines between ours
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE # as a git hook sets them: the index below has a repository of its own
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '\n== %s\n' "$*"; }
die() {
	printf '\nkrew-test FAILED: %s\n' "$*" >&2
	exit 1
}
# holds WHAT TEXT PATTERN: TEXT has a line that matches PATTERN.
holds() { grep -Eq -- "$3" <<<"$2" || die "$1: no line matches '$3' in:"$'\n'"$2"; }

for tool in go git tar; do
	command -v "$tool" >/dev/null || die "$tool is not on PATH"
done
kubectl=$(command -v kubectl) || die "kubectl is not on PATH; any version from 1.26 on will do: https://kubernetes.io/docs/tasks/tools/"

old_home=$HOME
tmp=$(mktemp -d)
server=
cleanup() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP PIPE # which would else skip the line above

version=v0.0.0-krewtest
platform=$(go env GOOS)_$(go env GOARCH)
archive=$tmp/dist/kubectl-maturity_${version}_$platform.tar.gz

krew_version=$(go list -m -f '{{.Version}}' sigs.k8s.io/krew)
[ "$krew_version" = "$(go -C tools list -m -f '{{.Version}}' sigs.k8s.io/krew)" ] ||
	die "go.mod and tools/go.mod name different versions of krew"
krew_bin=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-maturity/krew-$krew_version
say "krew $krew_version, in $krew_bin"
if [ ! -x "$krew_bin/krew" ] || [ ! -x "$krew_bin/validate-krew-manifest" ]; then
	mkdir -p "$krew_bin"
	go -C tools build -trimpath -ldflags "-X sigs.k8s.io/krew/internal/version.gitTag=$krew_version" \
		-o "$krew_bin/" sigs.k8s.io/krew/cmd/krew sigs.k8s.io/krew/cmd/validate-krew-manifest
fi

say "The plugin's archive for $platform"
mkdir -p "$tmp/dist" "$tmp/archive"
# Without -trimpath, which a release has: the packages that the tests compiled are used again.
go build -ldflags "-X github.com/kubectl-maturity/kubectl-maturity/pkg/cmd.version=$version" -o "$tmp/archive/" ./cmd/kubectl-maturity
cp LICENSE "$tmp/archive/"
tar -C "$tmp/archive" -czf "$archive" kubectl-maturity LICENSE
tar -tzvf "$archive"

manifest=$tmp/dist/krew/maturity.yaml
render() { go run ./internal/tools/krewmanifest -dist "$tmp/dist" -tag "$version" -partial -out "$manifest" "$@"; }
say "The manifest, and krew's own check of it"
render
"$krew_bin/validate-krew-manifest" -manifest "$manifest" -skip-install

mkdir -p "$tmp/path" "$tmp/home/.local/bin"
ln -s "$krew_bin/krew" "$tmp/path/kubectl-krew" # not in krew's bin, where krew would take it for an old installation
export KREW_ROOT=$tmp/krew KREW_NO_UPGRADE_CHECK=1
export KUBECONFIG=$tmp/no-cluster GIT_CONFIG_GLOBAL=/dev/null HOME=$tmp/home
export PATH=$KREW_ROOT/bin:$HOME/.local/bin:$tmp/path:$PATH
export KREW_DEFAULT_INDEX_URI=$tmp/index

# publish puts the manifest into the index, as the pull request to krew-index does.
publish() {
	mkdir -p "$tmp/index/plugins"
	cp "$manifest" "$tmp/index/plugins/"
	git -C "$tmp/index" init -q 2>/dev/null
	git -C "$tmp/index" add -A
	git -C "$tmp/index" -c user.name=krew-test -c user.email=krew-test@localhost commit -q --allow-empty -m "maturity $version"
	"$kubectl" krew update </dev/null
}

try() {
	[ -x "$KREW_ROOT/bin/kubectl-maturity" ] || die "krew made no link in its bin folder"
	[ -s "$KREW_ROOT/store/maturity/$version/LICENSE" ] || die "krew extracted no LICENSE"
	local out
	out=$("$kubectl" maturity version)
	echo "$out"
	[ "$out" = "kubectl maturity $version" ] || die "kubectl maturity version printed: $out"
	out=$("$kubectl" maturity -h)
	holds "kubectl maturity -h" "$out" '^  kubectl maturity \[command\]'
	echo "kubectl maturity -h: $(wc -l <<<"$out") lines"
	if grep -q '^  demo ' <<<"$out"; then
		out=$("$kubectl" maturity demo) || die "kubectl maturity demo ended with exit code $?"
		head -n 12 <<<"$out"
		echo "kubectl maturity demo: $(wc -l <<<"$out") lines"
	fi
	out=$("$kubectl" maturity plugins)
	holds "kubectl maturity plugins" "$out" '^NAME +HERE'
	# A PATH of its own: warnings about other plugins on this machine are not ours.
	out=$(PATH=$KREW_ROOT/bin:$tmp/path "$kubectl" plugin list 2>&1) || die "kubectl plugin list warns:"$'\n'"$out"
	echo "$out"
	holds "kubectl plugin list" "$out" 'kubectl-maturity$'
	! grep -i warning <<<"$out" || die "kubectl plugin list warns"
	"$kubectl" maturity completion | sh
	out=$("$kubectl" __complete maturity vers 2>&1)
	echo "$out"
	holds "kubectl __complete maturity vers" "$out" '^version'
	holds "kubectl __complete maturity vers" "$out" '^:[0-9]+$'
}

uninstall() {
	"$kubectl" krew uninstall maturity </dev/null
	rm "$HOME/.local/bin/kubectl_complete-maturity"
	[ ! -e "$KREW_ROOT/bin/kubectl-maturity" ] && [ ! -e "$KREW_ROOT/store/maturity" ] || die "krew left something of the plugin behind"
	! "$kubectl" maturity version >/dev/null 2>&1 || die "kubectl still finds the plugin"
	! "$kubectl" krew list </dev/null | grep -qx maturity || die "krew still lists the plugin"
	echo "gone"
}

say "A local index"
publish
say "Install from the manifest and the archive"
"$kubectl" krew install --manifest="$manifest" --archive="$archive" </dev/null
try
say "Uninstall"
uninstall

if command -v python3 >/dev/null; then
	say "Install from the index: download, checksum, extract, link"
	(cd "$tmp/dist" && exec python3 -u -m http.server 0 --bind 127.0.0.1) >"$tmp/server.log" 2>&1 &
	server=$!
	port=
	for _ in $(seq 50); do
		port=$(sed -n 's/.* port \([0-9][0-9]*\).*/\1/p' "$tmp/server.log")
		[ -z "$port" ] || break
		sleep 0.1
	done
	[ -n "$port" ] || die "the local server did not start: $(cat "$tmp/server.log")"
	# The Go tool wants its caches, which are not in the HOME of this test.
	HOME=$old_home render -base-url "http://127.0.0.1:$port"
	publish
	out=$("$kubectl" krew search maturity </dev/null)
	holds "kubectl krew search" "$out" '^maturity .*Explain why workloads break.* no$'
	"$kubectl" krew install maturity </dev/null
	out=$("$kubectl" krew info maturity </dev/null)
	holds "kubectl krew info" "$out" "^VERSION: $version\$"
	try
	say "Uninstall"
	uninstall
else
	say "NOT TESTED: the download from an index needs python3 as a local server, and there is none on PATH"
fi

say "krew-test passed: krew $krew_version, $("$kubectl" version --client 2>/dev/null | head -n 1)"
