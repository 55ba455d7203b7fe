package config

import (
	"strings"
	"testing"
)

// What kubelets and runtimes of several versions say; the captures hold those of one.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		name, message string
		want          []string // the groups; nil: it is something else
		match         func(string) []string
	}{
		{"runc 1.1", `error mounting "/a/volume-subpaths/s/app/0" to rootfs at "/etc/app.conf": mount /a:/etc/app.conf (via /proc/self/fd/6), flags: 0x5001: not a directory: unknown`, []string{"/etc/app.conf"}, notADirectory.FindStringSubmatch},
		{"runc 1.0", `error mounting "/a" to rootfs at "/etc/app.conf" caused: mount through procfd: not a directory: unknown: Are you trying to mount a directory onto a file (or vice-versa)?`, []string{"/etc/app.conf"}, notADirectory.FindStringSubmatch},
		{"runc rc", `mounting "/a" to rootfs "/run/x/rootfs" at "/run/x/rootfs/etc/app.conf" caused "not a directory"`, []string{"/run/x/rootfs/etc/app.conf"}, notADirectory.FindStringSubmatch},
		{"another mount", `error mounting "/a" to rootfs at "/proc/b": permission denied`, nil, notADirectory.FindStringSubmatch},
		{"kubelet 1.37, missing", `MountVolume.SetUp failed for volume "s" : hostPath type check failed, /a b is not a directory, unable to determine its type: path "/a b" does not exist`, []string{"/a b", "directory", "", `path "/a b" does not exist`}, typeFails.FindStringSubmatch},
		{"kubelet 1.37, other", `hostPath type check failed: /etc is not a file, it's a Directory`, []string{"/etc", "file", "Directory", ""}, typeFails.FindStringSubmatch},
		{"kubelet 1.28", `hostPath type check failed: /var/run/docker.sock is not a socket file`, []string{"/var/run/docker.sock", "socket file", "", ""}, typeFails.FindStringSubmatch},
		{"containerd, no runtime", `failed to get sandbox runtime: no runtime for "kata" is configured`, []string{"kata", ""}, noHandler.FindStringSubmatch},
		{"CRI-O, no runtime", `failed to find runtime handler kata from runtime list map[crun:0x1]`, []string{"", "kata"}, noHandler.FindStringSubmatch},
		{"stateful set", `create Pod db-0 in StatefulSet db failed error: pods "db-0" is forbidden: error looking up service account a/shop: serviceaccount "shop" not found`, []string{"shop"}, accountMissing.FindStringSubmatch},
		{"another refusal", `pods "web-" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1`, nil, accountMissing.FindStringSubmatch},
		{"kubelet 1.29", `Keys [1st.level, a b] from the EnvFrom configMap a/settings were skipped since they are considered invalid environment variable names.`, []string{"1st.level, a b", "configMap", "settings"}, keysSkipped.FindStringSubmatch},
	} {
		got := c.match(c.message)
		if len(got) > 0 {
			got = got[1:]
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") || len(got) != len(c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for message, want := range map[string][3]bool{ // of the network, no address, not set up
		`failed to setup network for sandbox "1": plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container`: {true, true, false},
		`failed to setup network for sandbox "1": plugin type="calico" failed (add): stat /var/lib/calico/nodename: no such file or directory`:             {true, false, true},
		`failed to setup network for sandbox "1": cni plugin not initialized`:                                                                              {true, false, true},
		`failed to setup network for sandbox "1": plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: range is full`:      {true, true, false},
		`failed to get sandbox runtime: no runtime for "kata" is configured`:                                                                               {false, false, false},
		`failed to reserve sandbox name "a": name "a" is reserved for "b"`:                                                                                 {false, false, false},
	} {
		if got := [3]bool{networkFails.MatchString(message), noAddress.MatchString(message), notReady.MatchString(message)}; got != want {
			t.Errorf("%s: %v, want %v", message, got, want)
		}
	}
	for message, want := range map[string][3]bool{ // seccomp, AppArmor, none at all
		`failed to create containerd container: cannot load seccomp profile "/a/none.json": open /a/none.json: no such file or directory`:    {true, false, false},
		`Pod was rejected: Cannot enforce AppArmor: AppArmor is not enabled on the host`:                                                     {false, true, true},
		`runc create failed: unable to start container process: error during container init: apparmor failed to apply profile: no such file`: {false, true, false},
		`failed to create containerd container: context deadline exceeded`:                                                                   {false, false, false},
	} {
		if got := [3]bool{seccompFails.MatchString(message), apparmorFails.MatchString(message), appArmorOff.MatchString(message)}; got != want {
			t.Errorf("%s: %v, want %v", message, got, want)
		}
	}
}
