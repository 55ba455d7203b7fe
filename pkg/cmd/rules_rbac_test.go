package cmd

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"sigs.k8s.io/yaml"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/causes"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/checks"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/collect"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/engine"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/model"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// printedRole is what rules --rbac prints.
func printedRole(t *testing.T) string {
	t.Helper()
	streams, _, out, errOut := genericiooptions.NewTestIOStreams()
	if code := Main(t.Context(), []string{"kubectl-maturity", "rules", "--rbac"}, streams); code != 0 {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	return out.String()
}

func parseRole(t *testing.T, text string) *rbacv1.ClusterRole {
	t.Helper()
	role := &rbacv1.ClusterRole{}
	if err := yaml.UnmarshalStrict([]byte(text), role); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if role.APIVersion != rbacv1.SchemeGroupVersion.String() || role.Kind != "ClusterRole" || role.Name != "kubectl-maturity" {
		t.Errorf("not the role: %+v", role.TypeMeta)
	}
	return role
}

func grants(role *rbacv1.ClusterRole, gk schema.GroupKind) bool {
	want := collect.Resource(gk)
	return slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool {
		return slices.Contains(r.APIGroups, want.Group) && slices.Contains(r.Resources, want.Resource) && slices.Equal(r.Verbs, []string{"get", "list", "watch"})
	})
}

// Every kind that a rule names is in the role, but for Secrets, which are when somebody takes in what is commented out;
// nothing in it changes anything.
func TestRoleCoversRules(t *testing.T) {
	text := printedRole(t)
	role, whole := parseRole(t, text), parseRole(t, strings.ReplaceAll(text, "\n#- ", "\n- "))
	if len(whole.Rules) != len(role.Rules)+1 || !grants(whole, snapshot.SecretKind) || grants(role, snapshot.SecretKind) {
		t.Error("Secrets are not what is commented out")
	}
	covers := func(who string, kinds ...schema.GroupKind) {
		for _, gk := range kinds {
			if gk == snapshot.ReleaseKind { // which Helm keeps in Secrets
				gk = snapshot.SecretKind
			}
			if gk != snapshot.ClusterKind && gk != snapshot.APIGroupKind && !grants(whole, gk) {
				t.Errorf("%s: %s is not in the role as %s", who, gk, collect.Resource(gk))
			}
		}
	}
	for _, c := range checks.All() {
		covers(c.ID, slices.Concat(c.On.Named(), c.Needs)...)
	}
	for _, c := range causes.All() {
		covers(c.ID, c.On.Named()...)
	}
	covers("whatever rules there are", collect.ReadKinds()...)
	covers("the standard", model.StandardKinds()...)
	for _, r := range role.Rules {
		for _, verb := range r.Verbs {
			if !slices.Contains([]string{"get", "list", "watch"}, verb) {
				t.Errorf("%v may %s", r.Resources, verb)
			}
		}
		if slices.Contains(r.APIGroups, "*") || slices.Contains(r.Resources, "*") && !slices.Contains(r.APIGroups, snapshot.ConstraintGroup) {
			t.Errorf("anything: %+v", r)
		}
	}
	for _, want := range [][]string{{"/metrics", "/version"}, {"pods/log"}} {
		if !slices.ContainsFunc(role.Rules, func(r rbacv1.PolicyRule) bool {
			return slices.Equal(r.Verbs, []string{"get"}) && (slices.Equal(r.NonResourceURLs, want) || slices.Equal(r.Resources, want))
		}) {
			t.Errorf("no rule to get %q", want)
		}
	}
	if !bytes.Equal([]byte(text), []byte(printedRole(t))) {
		t.Error("not the same twice")
	}
}

// What causes ask for, of Kubernetes' own kinds, whatever they name: each capture is explained, and what was wanted must
// be in the role.
func TestRoleCoversWants(t *testing.T) {
	role := parseRole(t, strings.ReplaceAll(printedRole(t), "\n#- ", "\n- "))
	eng, err := engine.New(checks.All(), causes.All())
	if err != nil {
		t.Fatal(err)
	}
	folders, err := filepath.Glob("../../test/*/*/expect.txt")
	if err != nil || len(folders) < 100 {
		t.Fatal("no captures", err)
	}
	wanted := map[schema.GroupKind]string{}
	for _, file := range folders {
		dir := filepath.Dir(file)
		s, fetcher, _, err := collect.Archive(os.DirFS(dir))
		if err != nil {
			t.Fatal(dir, err)
		}
		targets, err := collect.TargetsIn(s, "", nil, nil)
		if err != nil {
			t.Fatal(dir, err)
		}
		s.Listen()
		if err := collect.Loop(t.Context(), fetcher, s, func() []snapshot.Want {
			wants := eng.Wants(s, targets)
			for _, w := range wants {
				wanted[w.GroupKind()] = dir
			}
			return wants
		}); err != nil {
			t.Fatal(dir, err)
		}
		eng.Explain(s, targets)
		eng.Check(s, nil)
		for _, w := range s.Questions() {
			wanted[w.GroupKind()] = dir
		}
	}
	for gk, dir := range wanted {
		if collect.Own(gk) && !grants(role, gk) {
			t.Errorf("%s is asked for in %s and is not in the role", gk, dir)
		}
	}
	if len(wanted) < 20 {
		t.Errorf("only %d kinds were asked for", len(wanted))
	}
}

// Every rule says what is lost without it.
func TestRoleSaysWhatIsLost(t *testing.T) {
	text := printedRole(t)
	said := ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case strings.HasPrefix(line, "# without it: "):
			said = line
		case strings.HasPrefix(line, "- "), strings.HasPrefix(line, "#- "):
			if said == "" {
				t.Errorf("nothing said of %s", line)
			}
			said = ""
		case strings.HasPrefix(line, "# ") && len([]rune(line)) > 100:
			t.Errorf("wide: %s", line)
		}
	}
	if !regexp.MustCompile(`(?s)# without it: [^-]*checks \([^-]*.*?causes \(.*?gates \(.*?resources: \[pods\]`).MatchString(text) {
		t.Error("pods have no checks, causes and gates")
	}
}

// The guess of a plural is right where it could be wrong.
func TestResource(t *testing.T) {
	for kind, want := range map[schema.GroupKind]string{
		snapshot.SCCKind: "securitycontextconstraints", snapshot.GoogleRulesKind: "rules", snapshot.SandboxKind: "sandboxes", snapshot.GatewayKind: "gateways",
		snapshot.GatewayClassKind: "gatewayclasses", snapshot.PrometheusKind: "prometheuses", snapshot.HelmRepositoryKind: "helmrepositories",
		snapshot.GatekeeperAssignKind: "assign", snapshot.RatifyConstraintKind: "*", {Group: "chaos-mesh.org", Kind: "PodChaos"}: "podchaos",
		snapshot.NetworkPolicyKind: "networkpolicies", snapshot.FlaggerCanaryKind: "canaries",
	} {
		if got := collect.Resource(kind).Resource; got != want {
			t.Errorf("%s: %s, want %s", kind, got, want)
		}
	}
}
