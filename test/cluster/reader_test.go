package cluster_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/knowledge"
	"github.com/kubectl-maturity/kubectl-maturity/pkg/report"
	"github.com/kubectl-maturity/kubectl-maturity/test/cluster/testcluster"
)

// TestReaderRole holds that who has the role of rules --rbac is refused nothing but Secrets, and with what is commented
// out in it nothing at all.
func TestReaderRole(t *testing.T) {
	c, ns, pod := rbacCluster(t)
	role := maturity(t, c.Kubeconfig, "rules", "--rbac").exits(t, 0).out
	for name, text := range map[string]string{"reader": role, "secrets-reader": strings.ReplaceAll(role, "\n#- ", "\n- ")} {
		c.Apply(t, "", []byte(strings.ReplaceAll(text, "  name: kubectl-maturity\n", "  name: "+name+"\n")))
		c.Apply(t, "", []byte(strings.ReplaceAll(`
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: NAME}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: NAME}]
`, "NAME", name)))
		t.Cleanup(func() { // the cluster is shared
			_ = c.Client().RbacV1().ClusterRoleBindings().Delete(t.Context(), name, metav1.DeleteOptions{})
			_ = c.Client().RbacV1().ClusterRoles().Delete(t.Context(), name, metav1.DeleteOptions{})
		})
	}
	refused := regexp.MustCompile(`forbidden|cannot (get|list|watch)`)
	for user, want := range map[string][]string{"reader": {"secret list"}, "secrets-reader": nil} {
		kubeconfig := c.User(t, user)
		if got := resources(maturity(t, kubeconfig, "check", "-A", "--fail-on", "none", "-o", "json").exits(t, 0).report(t).NotEvaluated); !slices.Equal(got, want) {
			t.Errorf("%s: check -A was refused %q, want %q", user, got, want)
		}
		for _, args := range [][]string{{"level", "-A"}, {"level", "-n", ns}} {
			l := &report.Level{}
			s := maturity(t, kubeconfig, append(args, "-o", "json")...).exits(t, 0)
			if err := json.Unmarshal([]byte(s.out), l); err != nil {
				t.Fatal(err)
			}
			got := resources(l.NotEvaluated)
			for i := range got {
				got[i] = strings.TrimSuffix(got[i], " in namespace "+ns)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %v was refused %q, want %q", user, args, got, want)
			}
			for _, d := range l.Dimensions {
				for _, g := range d.Gates {
					if user == "secrets-reader" && refused.MatchString(g.Reason) {
						t.Errorf("%s: gate %s: %s", user, g.ID, g.Reason)
					}
				}
			}
		}
		for _, args := range [][]string{{"pod/" + pod}, {"deploy/web"}, {"svc/web", "pvc/data", "ing/web", "hpa/web", "pdb/web"}, nil} {
			r := maturity(t, kubeconfig, append(append([]string{"explain"}, args...), "-n", ns, "-o", "json")...).report(t)
			for _, got := range resources(r.NotEvaluated) {
				if user == "secrets-reader" || !strings.Contains(got, "secret") {
					t.Errorf("%s: explain %v was refused %s", user, args, got)
				}
			}
		}
	}
}

// resources are what was refused, once each.
func resources(list []report.NotEvaluated) []string {
	var names []string
	for _, n := range list {
		if n.Reason == "forbidden" && n.Resource != "" {
			names = append(names, n.Resource)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TestViewRole holds what is said of the built-in role view against the one that a cluster has.
func TestViewRole(t *testing.T) {
	c := testcluster.Control(t)
	role, err := c.Client().RbacV1().ClusterRoles().Get(t.Context(), "system:aggregate-to-view", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, r := range role.Rules {
		for _, group := range r.APIGroups {
			for _, resource := range r.Resources {
				has[group+"/"+resource] = true
				status := strings.HasSuffix(resource, "/status") || strings.HasSuffix(resource, "/scale") || resource == "bindings"
				if !status && group != "extensions" && group != "events.k8s.io" && !knowledge.InView(group, resource) {
					t.Errorf("view has %s of group %q, and nobody knows", resource, group)
				}
			}
		}
	}
	for _, one := range []string{"/nodes", "/secrets", "/persistentvolumes", "storage.k8s.io/storageclasses", "rbac.authorization.k8s.io/roles"} {
		group, resource, _ := strings.Cut(one, "/")
		if has[one] || knowledge.InView(group, resource) {
			t.Errorf("view has %s", one)
		}
	}
	for _, one := range []string{"/pods", "/pods/log", "/events", "apps/deployments", "networking.k8s.io/networkpolicies"} {
		group, resource, _ := strings.Cut(one, "/")
		if !has[one] || !knowledge.InView(group, resource) {
			t.Errorf("view lacks %s", one)
		}
	}
}
