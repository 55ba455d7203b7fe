package controllers

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

func podTemplate(containers ...string) snapshot.Template {
	t := snapshot.Template{Path: field.NewPath("spec", "template"), Spec: &corev1.PodSpec{}}
	for _, name := range containers {
		t.Spec.Containers = append(t.Spec.Containers, corev1.Container{Name: name})
	}
	return t
}

func said(s *spoken) string {
	if s == nil {
		return ""
	}
	return s.path.String()
}

// Expressions as policies have them; a path that goes two ways is none.
func TestLooksAt(t *testing.T) {
	one, two := podTemplate("app"), podTemplate("app", "proxy")
	for _, c := range []struct {
		expression string
		in         snapshot.Template
		want       string
	}{
		{"has(object.metadata.labels) && 'team' in object.metadata.labels", one, "spec.template.metadata.labels[team]"},
		{`object.metadata.labels["app.kubernetes.io/name"] != ""`, one, "spec.template.metadata.labels[app.kubernetes.io/name]"},
		{"object.metadata.annotations.owner.startsWith('team-')", one, "spec.template.metadata.annotations[owner]"},
		{"has(object.metadata.labels)", one, "spec.template.metadata.labels"},
		{"object.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && has(c.resources.limits.memory))", one, "spec.template.spec.containers[0].resources.limits.memory"},
		{"object.spec.containers.all(c, has(c.resources.limits.memory))", two, "spec.template.spec.containers"},
		{"object.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && 'memory' in c.resources.limits)", one, "spec.template.spec.containers[0].resources.limits.memory"},
		{"object.spec.containers.all(c, !c.image.endsWith(':latest'))", one, "spec.template.spec.containers[0].image"},
		{"object.spec.containers.all(c, c.image.contains('@') || c.name == 'x')", one, "spec.template.spec.containers[0]"},
		{"!has(object.spec.hostNetwork) || object.spec.hostNetwork == false", one, "spec.template.spec.hostNetwork"},
		{"object.spec.securityContext.runAsNonRoot == true", one, "spec.template.spec.securityContext.runAsNonRoot"},
		{"object.spec.hostNetwork == false && object.spec.hostPID == false", one, ""},
		{"request.userInfo.username != 'system:admin'", one, ""},
	} {
		if got := said(looksAt(c.expression, c.in.Path, c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", c.expression, got, c.want)
		}
	}
}

// Denials as Kyverno, Gatekeeper and people word them.
func TestConcept(t *testing.T) {
	one, two := podTemplate("app"), podTemplate("app", "proxy")
	for _, c := range []struct {
		words string
		in    snapshot.Template
		want  string
	}{
		{`[container-must-have-limits] container <proxy> has no memory limit`, two, "spec.template.spec.containers[1].resources.limits.memory"},
		{`[container-must-have-limits] container <proxy> has no resource limits`, two, "spec.template.spec.containers[1].resources.limits"},
		{`you must provide labels: {"owner"}`, one, "spec.template.metadata.labels"},
		{`Privilege escalation container is not allowed: app`, one, "spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation"},
		{`Privileged container is not allowed: app, securityContext: {"privileged": true}`, one, "spec.template.spec.containers[0].securityContext.privileged"},
		{`only read-only root filesystem container is allowed: app`, one, "spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem"},
		{`container <app> has an invalid image repo <docker.io/nginx>, allowed repos are ["registry.example.com"]`, two, "spec.template.spec.containers[0].image"},
		{`the image pull policy must be Always`, one, "spec.template.spec.containers[0].imagePullPolicy"},
		{`images must come from our registry`, two, "spec.template.spec.containers"},
		{`the host network may not be used`, one, "spec.template.spec.hostNetwork"},
		{`not on Fridays`, one, ""},
		{"", one, ""},
	} {
		if got := said(concept(c.words, c.in.Path, c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", c.words, got, c.want)
		}
	}
}

func TestPolicyIn(t *testing.T) {
	for words, want := range map[string]string{
		"\n\nresource Pod/shop/web-7d4b was blocked due to the following policies \n\nrequire-labels:\n  check-team: 'validation error: the label team is required. rule check-team failed at path /metadata/labels/team/'\n": "policy require-labels, rule check-team",
		"[container-must-have-limits] container <app> has no memory limit": "constraint container-must-have-limits",
		"[denied by container-limits] container <app> has no cpu limit":    "constraint container-limits",
		"not on Fridays": "",
	} {
		if got := policyIn(words); got != want {
			t.Errorf("%q: %q, want %q", words, got, want)
		}
	}
}
