package security_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/policy"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks/security"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/rule"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/ruletest"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func TestChecks(t *testing.T) { ruletest.Run(t, security.Checks...) }

// told says which checks tell of a control's verdict.
var told = map[policy.CheckID][]*rule.Check{
	"privileged":                 {&security.Privileged},
	"hostNamespaces":             {&security.HostNamespaces, &security.HostProcess},
	"hostPathVolumes":            {&security.HostPath},
	"hostPorts":                  {&security.HostPort, &security.HostNamespaces, &security.HostProcess},
	"capabilities_baseline":      {&security.CapsDangerous, &security.Privileged},
	"capabilities_restricted":    {&security.CapsDropAll, &security.CapsDangerous, &security.Privileged},
	"allowPrivilegeEscalation":   {&security.PrivilegeEscalation, &security.Privileged},
	"runAsNonRoot":               {&security.RunAsNonRoot},
	"runAsUser":                  {&security.RunAsNonRoot},
	"seccompProfile_baseline":    {&security.SeccompMissing, &security.Privileged},
	"seccompProfile_restricted":  {&security.SeccompMissing, &security.Privileged},
	"procMount":                  {&security.ProcMount},
	"procMount_restricted":       {&security.ProcMount},
	"sysctls":                    {&security.Sysctls},
	"seLinuxOptions":             {&security.SELinuxOptions},
	"appArmorProfile":            {&security.AppArmorUnconfined},
	"windowsHostProcess":         {&security.HostProcess},
	"restrictedVolumes":          {&security.VolumeTypes, &security.HostPath},
	"hostProbesAndHostLifecycle": {&security.ProbeOtherHost},
}

// perVolume are the checks that may speak several times of one pod.
var perVolume = []*rule.Check{&security.HostPath, &security.HostNamespaces, &security.VolumeTypes}

// TestControls holds that every control of the Pod Security Standards is told by some check.
func TestControls(t *testing.T) {
	for _, c := range controls {
		if len(told[c.ID]) == 0 {
			t.Errorf("%s: no check tells of it", c.ID)
		}
	}
}

func findings(s *snapshot.Snapshot, o *snapshot.Object, c *rule.Check) []*rule.Finding {
	var found []*rule.Finding
	c.Run(rule.NewPass(s, o, c, nil, rule.Sink{Report: func(f *rule.Finding) { found = append(found, f) }}))
	return found
}

// agree holds one object against the controls themselves: no finding that no control asks for, none
// left out, and each of them on a field.
func agree(t *testing.T, s *snapshot.Snapshot, o *snapshot.Object) {
	t.Helper()
	counts := map[*rule.Check]int{}
	for _, c := range security.Checks {
		forbidden, control := false, false
		for id, checks := range told {
			if slices.Contains(checks, c) {
				control = true
				forbidden = forbidden || !allowed(id, o)
			}
		}
		if !control { // of which the Pod Security Standards say nothing
			continue
		}
		found := findings(s, o, c)
		counts[c] = len(found)
		if len(found) > 0 && !forbidden {
			t.Errorf("%s: %s, though the controls allow it: %q", o, c.ID, found[0].Message)
		}
		places := map[string]bool{}
		for _, f := range found {
			for _, tpl := range o.Templates {
				if f.Field.String() == tpl.SpecPath().String() {
					t.Errorf("%s: %s found no field: %q", o, c.ID, f.Message)
				}
			}
			if !slices.Contains(perVolume, c) && places[f.Seen.Container] {
				t.Errorf("%s: %s speaks twice of container %q", o, c.ID, f.Seen.Container)
			}
			places[f.Seen.Container] = true
		}
	}
	for id, checks := range told {
		if allowed(id, o) || unknownToWindows[id] && windows(o) { // the API refuses the field there
			continue
		}
		n := 0
		for _, c := range checks {
			n += counts[c]
		}
		if n == 0 {
			t.Errorf("%s: %s forbids it, and nothing is found", o, id)
		}
	}
}

// unknownToWindows are the controls of what only Linux has.
var unknownToWindows = map[policy.CheckID]bool{
	"seccompProfile_baseline": true, "seccompProfile_restricted": true, "capabilities_baseline": true, "capabilities_restricted": true,
	"allowPrivilegeEscalation": true, "procMount": true, "procMount_restricted": true, "seLinuxOptions": true, "appArmorProfile": true,
}

// windows tells of pods that say that they are for Windows, or have options for it.
func windows(o *snapshot.Object) bool {
	return slices.ContainsFunc(o.Templates, func(t snapshot.Template) bool {
		if t.Spec.OS != nil {
			return t.Spec.OS.Name == corev1.Windows
		}
		return t.Spec.NodeSelector[corev1.LabelOSStable] == string(corev1.Windows) || t.Spec.SecurityContext != nil && t.Spec.SecurityContext.WindowsOptions != nil ||
			slices.ContainsFunc(t.Spec.Containers, func(c corev1.Container) bool {
				return c.SecurityContext != nil && c.SecurityContext.WindowsOptions != nil
			})
	})
}

var controls = policy.DefaultChecks()

func allowed(id policy.CheckID, o *snapshot.Object) bool {
	for _, c := range controls {
		if c.ID != id {
			continue
		}
		for _, t := range o.Templates {
			if !c.Versions[len(c.Versions)-1].CheckPod(&metav1.ObjectMeta{Annotations: t.Annotations}, admitted(t.Spec)).Allowed {
				return false
			}
		}
		return true
	}
	panic("no such control: " + id)
}

// admitted is a pod as admission sees it: the API server makes an emptyDir of every volume that says nothing.
func admitted(spec *corev1.PodSpec) *corev1.PodSpec {
	if !slices.ContainsFunc(spec.Volumes, func(v corev1.Volume) bool { return v.VolumeSource == corev1.VolumeSource{} }) {
		return spec
	}
	spec = spec.DeepCopy()
	for i := range spec.Volumes {
		if v := &spec.Volumes[i].VolumeSource; *v == (corev1.VolumeSource{}) {
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return spec
}

func TestControlsOnFixtures(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		s := read(t, file)
		for _, o := range s.Workloads("") {
			if !partial(o) {
				agree(t, s, o)
			}
		}
	}
}

// partial tells of an object from which an operator makes pods: what it leaves out is not left out of them.
func partial(o *snapshot.Object) bool {
	return o.Typed == nil && slices.ContainsFunc(o.Templates, func(t snapshot.Template) bool {
		return slices.ContainsFunc(t.Spec.Containers, func(c corev1.Container) bool { return c.Image == "" })
	})
}

func read(t *testing.T, file string) *snapshot.Snapshot {
	t.Helper()
	s, problems, err := collect.Files(collect.FileOptions{Paths: []string{file}, Namespace: "default", Now: time.Unix(0, 0)})
	if err != nil || len(problems) > 0 {
		t.Fatal(file, err, problems)
	}
	return s
}

func TestSeverities(t *testing.T) {
	for _, tt := range []struct {
		check *rule.Check
		file  string
		want  []rule.Severity // in the order of the file
	}{
		{&security.Privileged, "each-container", []rule.Severity{rule.High, rule.Critical, rule.Critical}},
		{&security.HostNamespaces, "all", []rule.Severity{rule.High, rule.High, rule.High}},
		{&security.HostPath, "folders", []rule.Severity{rule.Medium, rule.Low}},
		{&security.HostPath, "whole-node", []rule.Severity{rule.Critical, rule.Critical, rule.Critical, rule.Critical, rule.Critical, rule.Critical}},
		{&security.HostPort, "ports", []rule.Severity{rule.Medium, rule.Medium}},
		{&security.CapsDangerous, "added", []rule.Severity{rule.Medium, rule.High, rule.Low}},
		{&security.CapsDropAll, "unset", []rule.Severity{rule.Low, rule.Low}},
		{&security.CapsDropAll, "added-back", []rule.Severity{rule.Info}},
		{&security.RunAsNonRoot, "unset-once", []rule.Severity{rule.Medium}},
		{&security.RunAsNonRoot, "unset-everywhere", []rule.Severity{rule.Medium}},
		{&security.RunAsNonRoot, "only-a-user", []rule.Severity{rule.Low}},
		{&security.RunAsNonRoot, "root", []rule.Severity{rule.Medium, rule.High, rule.Low}},
		{&security.RunAsNonRoot, "root-pod", []rule.Severity{rule.Low, rule.Medium}}, // the pod's after its containers'
		{&security.ProcMount, "unmasked", []rule.Severity{rule.Medium, rule.Medium, rule.Info}},
		{&security.SELinuxOptions, "options", []rule.Severity{rule.Low, rule.Medium, rule.Low}},
		{&security.AppArmorUnconfined, "unconfined", []rule.Severity{rule.Medium, rule.Medium, rule.Low, rule.Low, rule.Medium, rule.Low}},
		{&security.HostProcess, "fires", []rule.Severity{rule.Critical, rule.Critical, rule.High}},
		{&security.Sysctls, "unsafe", []rule.Severity{rule.Medium, rule.Low, rule.High}},
		{&security.ProbeOtherHost, "fires", []rule.Severity{rule.Medium, rule.Medium, rule.Medium, rule.Info}},
		{&security.SeccompMissing, "unset-once", []rule.Severity{rule.Low}},
		{&security.SeccompMissing, "unconfined", []rule.Severity{rule.Low, rule.Medium, rule.Medium}},
	} {
		s := read(t, "testdata/"+tt.check.ID+"/"+tt.file+".yaml")
		var got []rule.Severity
		for _, o := range s.Workloads("") {
			for _, f := range findings(s, o, tt.check) {
				got = append(got, f.Severity)
				if f.Fix == nil || f.Fix.Applicability != rule.NeedsThought || f.Fix.Caution == "" {
					t.Errorf("%s: %q: hardening may break the program, and says how", tt.file, f.Message)
				}
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s of %s: %v, want %v", tt.check.ID, tt.file, got, tt.want)
		}
	}
}

// TestLive holds what is different with an object of a cluster: a command, and none for a container that
// nothing can change.
func TestLive(t *testing.T) {
	for _, tt := range []struct {
		check *rule.Check
		file  string
		seen  string
		patch bool
	}{
		{&security.Privileged, "rollout", "app", true},
		{&security.Privileged, "ephemeral", "debugger", false},
		{&security.RunAsNonRoot, "unset-everywhere", "", true},
	} {
		s := read(t, "testdata/"+tt.check.ID+"/"+tt.file+".yaml")
		s.Files = false
		for _, o := range s.Workloads("") {
			for _, f := range findings(s, o, tt.check) {
				if f.Seen.Container != tt.seen || (len(f.Fix.Command) > 0) != tt.patch || (f.Fix.Patch != nil) != tt.patch {
					t.Errorf("%s: seen in %q, fix %+v", tt.file, f.Seen.Container, f.Fix)
				}
			}
		}
	}
}

// TestBrokenNow holds that what a cause says of pods that are broken now is not said once more.
func TestBrokenNow(t *testing.T) {
	const head = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop}\nspec:\n  containers:\n  - name: app\n    image: registry.example/web:1\n    "
	for _, tt := range []struct {
		check       *rule.Check
		spec        string
		well, wrong string
	}{
		{&security.RunAsNonRoot, "securityContext: {runAsUser: 0, runAsNonRoot: true}", "{name: app, ready: true}", "{name: app, state: {waiting: {reason: CreateContainerConfigError}}}"},
		{&security.ProbeOtherHost, "livenessProbe: {tcpSocket: {host: localhost, port: 80}}", "{name: app, ready: true}", "{name: app, ready: true, restartCount: 3}"},
	} {
		for status, want := range map[string]int{tt.well: 1, tt.wrong: 0} {
			file := filepath.Join(t.TempDir(), "pod.yaml")
			if err := os.WriteFile(file, []byte(head+tt.spec+"\nstatus: {containerStatuses: ["+status+"]}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			s := read(t, file)
			s.Files = false
			for _, o := range s.Workloads("") {
				if n := len(findings(s, o, tt.check)); n != want {
					t.Errorf("%s with %s: %d findings, want %d", tt.check.ID, status, n, want)
				}
			}
		}
	}
}

// TestClustersOwn holds that of what runs in a cluster's own namespaces only a file is judged: it has an author.
func TestClustersOwn(t *testing.T) {
	s := read(t, "testdata/privileged/rollout.yaml")
	for _, o := range s.Workloads("") {
		o.Namespace = "kube-system"
		for _, files := range []bool{true, false} {
			s.Files = files
			for _, c := range []*rule.Check{&security.Privileged, &security.HostPath, &security.RunAsNonRoot, &security.SeccompMissing} {
				if got := c.Applies(rule.NewPass(s, o, c, nil, rule.Sink{})); got != files {
					t.Errorf("%s with files %v: %v", c.ID, files, got)
				}
			}
		}
	}
}

// TestControlsOnChance makes pods of every mixture of settings: the verdicts are those of the
// controls, and the fixes cure.
func TestControlsOnChance(t *testing.T) {
	const pods = 1500
	for i := range uint64(pods) {
		s := snapshot.New(time.Unix(0, 0))
		pod := chance(rand.New(rand.NewPCG(i, 1)))
		o, err := s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), pod, nil)
		if err != nil {
			t.Fatal(err)
		}
		agree(t, s, o)
		for _, c := range security.Checks {
			cured(t, pod, s, o, c)
		}
		if t.Failed() {
			text, _ := json.MarshalIndent(pod.Spec, "", " ")
			t.Fatalf("pod %d: %s", i, text)
		}
	}
}

// cured applies the patches of one check's findings and judges again.
func cured(t *testing.T, pod *corev1.Pod, s *snapshot.Snapshot, o *snapshot.Object, c *rule.Check) {
	t.Helper()
	found := findings(s, o, c)
	if len(found) == 0 {
		return
	}
	var all jsonpatch.Patch
	for _, f := range found {
		if f.Fix == nil {
			t.Errorf("%s: no fix for %q", c.ID, f.Message)
			return
		}
		if f.Fix.Patch == nil {
			return // the others alone do not cure it
		}
		body, err := json.Marshal(f.Fix.Patch.Content())
		if err != nil {
			t.Fatal(err)
		}
		patch, err := jsonpatch.DecodePatch(body)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, patch...)
	}
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = all.Apply(text); err != nil {
		t.Errorf("%s: patches %v: %v", c.ID, all, err)
		return
	}
	after := &corev1.Pod{}
	if err := json.Unmarshal(text, after); err != nil {
		t.Fatal(err)
	}
	s = snapshot.New(s.Now)
	o, err = s.Add(corev1.SchemeGroupVersion.WithKind("Pod"), after, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range findings(s, o, c) {
		if f.Severity == rule.Info {
			continue // what is added back is spoken of once ALL is dropped
		}
		t.Errorf("%s: after its patches: %q at %s in %s", c.ID, f.Message, f.Field, text)
	}
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func ptr[T any](v T) *T { return &v }

// chance makes a pod of settings that the controls look at.
func chance(r *rand.Rand) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "chance", Namespace: "default"}}
	uid := func() *int64 { return pick(r, nil, nil, ptr(int64(0)), ptr(int64(1000))) }
	flag := func() *bool { return pick(r, nil, nil, ptr(true), ptr(false)) }
	profile := func() *corev1.SeccompProfile {
		return pick(r, nil, nil, &corev1.SeccompProfile{Type: "RuntimeDefault"}, &corev1.SeccompProfile{Type: "Unconfined"}, &corev1.SeccompProfile{Type: "Localhost"})
	}
	caps := func() []corev1.Capability {
		var list []corev1.Capability
		for range r.IntN(4) {
			list = append(list, pick[corev1.Capability](r, "ALL", "CHOWN", "SYS_ADMIN", "NET_BIND_SERVICE", "NET_RAW", "all", "CAP_CHOWN"))
		}
		return list
	}
	selinux := func() *corev1.SELinuxOptions {
		return pick(r, nil, nil, nil, &corev1.SELinuxOptions{Level: "s0:c1"}, &corev1.SELinuxOptions{Type: "container_t"}, &corev1.SELinuxOptions{Type: "spc_t", Role: "r"}, &corev1.SELinuxOptions{User: "u"})
	}
	appArmor := func() *corev1.AppArmorProfile {
		return pick(r, nil, nil, nil, &corev1.AppArmorProfile{Type: "RuntimeDefault"}, &corev1.AppArmorProfile{Type: "Unconfined"}, &corev1.AppArmorProfile{Type: "Localhost"}, &corev1.AppArmorProfile{})
	}
	windowsOptions := func() *corev1.WindowsSecurityContextOptions {
		return pick(r, nil, nil, nil, nil, &corev1.WindowsSecurityContextOptions{HostProcess: flag(), RunAsUserName: pick(r, nil, ptr(`NT AUTHORITY\SYSTEM`), ptr(`NT AUTHORITY\Local service`))})
	}
	if r.IntN(3) > 0 {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{
			RunAsUser: uid(), RunAsNonRoot: flag(), SeccompProfile: profile(),
			SELinuxOptions: selinux(), AppArmorProfile: appArmor(), WindowsOptions: windowsOptions(),
		}
		for range r.IntN(3) {
			name := pick(r, "net.ipv4.tcp_syncookies", "net.core.somaxconn", "vm.max_map_count", "net/ipv4/tcp_syncookies", "kernel.shm_rmid_forced")
			pod.Spec.SecurityContext.Sysctls = append(pod.Spec.SecurityContext.Sysctls, corev1.Sysctl{Name: name, Value: "1"})
		}
	}
	note := func(container string) {
		if r.IntN(5) == 0 {
			if pod.Annotations == nil {
				pod.Annotations = map[string]string{}
			}
			pod.Annotations[corev1.DeprecatedAppArmorBetaContainerAnnotationKeyPrefix+container] = pick(r, "unconfined", "runtime/default", "localhost/web", "")
		}
	}
	note("gone")
	handler := func() (*corev1.HTTPGetAction, *corev1.TCPSocketAction) {
		host := pick(r, "", "", "", "127.0.0.1", "db.example")
		if r.IntN(2) == 0 {
			return &corev1.HTTPGetAction{Host: host}, nil
		}
		return nil, &corev1.TCPSocketAction{Host: host}
	}
	probe := func() *corev1.Probe {
		if r.IntN(2) == 0 {
			return nil
		}
		p := &corev1.Probe{}
		p.HTTPGet, p.TCPSocket = handler()
		return p
	}
	container := func(name string) corev1.Container {
		c := corev1.Container{Name: name}
		if r.IntN(3) > 0 {
			c.SecurityContext = &corev1.SecurityContext{RunAsUser: uid(), RunAsNonRoot: flag(), SeccompProfile: profile(), AllowPrivilegeEscalation: flag()}
			c.SecurityContext.Privileged = pick(r, nil, nil, nil, ptr(true), ptr(false))
			c.SecurityContext.ReadOnlyRootFilesystem = flag()
			c.SecurityContext.ProcMount = pick(r, nil, nil, nil, ptr(corev1.DefaultProcMount), ptr(corev1.UnmaskedProcMount))
			c.SecurityContext.SELinuxOptions, c.SecurityContext.AppArmorProfile, c.SecurityContext.WindowsOptions = selinux(), appArmor(), windowsOptions()
			if r.IntN(3) > 0 {
				c.SecurityContext.Capabilities = &corev1.Capabilities{Add: caps(), Drop: caps()}
			}
		}
		for range r.IntN(3) {
			c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: 80, HostPort: int32(r.IntN(2)) * 80})
		}
		note(name)
		c.StartupProbe, c.ReadinessProbe, c.LivenessProbe = probe(), probe(), probe()
		if r.IntN(3) == 0 {
			c.Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{}}
			c.Lifecycle.PreStop.HTTPGet, c.Lifecycle.PreStop.TCPSocket = handler()
		}
		c.VolumeMounts = []corev1.VolumeMount{{Name: fmt.Sprint("v", r.IntN(3)), MountPath: "/v"}}
		return c
	}
	for i := range r.IntN(2) {
		c := container(fmt.Sprint("init", i))
		c.RestartPolicy = pick(r, nil, ptr(corev1.ContainerRestartPolicyAlways))
		pod.Spec.InitContainers = append(pod.Spec.InitContainers, c)
	}
	for i := range 1 + r.IntN(2) {
		pod.Spec.Containers = append(pod.Spec.Containers, container(fmt.Sprint("app", i)))
	}
	if r.IntN(6) == 0 {
		pod.Spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon(container("debugger"))}}
	}
	for i := range r.IntN(3) {
		v := corev1.Volume{Name: fmt.Sprint("v", i)}
		switch r.IntN(6) {
		case 0:
			v.NFS = &corev1.NFSVolumeSource{Server: "nfs.example", Path: "/"}
		case 1:
			v.Secret = &corev1.SecretVolumeSource{SecretName: "web"}
		case 2, 3, 4:
			v.HostPath = &corev1.HostPathVolumeSource{Path: pick(r, "/", "/run", "/var/run/docker.sock", "/data", "/runner", "")}
		}
		pod.Spec.Volumes = append(pod.Spec.Volumes, v)
	}
	pod.Spec.HostNetwork, pod.Spec.HostPID, pod.Spec.HostIPC = r.IntN(5) == 0, r.IntN(5) == 0, r.IntN(5) == 0
	pod.Spec.HostUsers = pick(r, nil, nil, nil, ptr(false), ptr(true))
	if r.IntN(8) == 0 {
		pod.Spec.OS = &corev1.PodOS{Name: pick(r, corev1.Windows, corev1.Linux)}
	}
	return pod
}
