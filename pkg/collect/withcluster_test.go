package collect

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kubectl-maturity/kubectl-maturity/pkg/snapshot"
)

// besideFiles are manifests with a cluster beside them, and what that was asked.
type besideFiles struct {
	*snapshot.Snapshot
	*Beside
	asked *requests
}

type requests struct {
	mu   sync.Mutex
	list []string
}

func beside(t *testing.T, text string, answers map[string]http.HandlerFunc) besideFiles {
	t.Helper()
	asked := &requests{}
	for path, answer := range answers {
		answers[path] = func(w http.ResponseWriter, r *http.Request) {
			asked.mu.Lock()
			asked.list = append(asked.list, r.URL.Path)
			asked.mu.Unlock()
			answer(w, r)
		}
	}
	s, _, err := Files(FileOptions{Paths: []string{"-"}, In: strings.NewReader(text), Namespace: "shop", Now: time.Unix(0, 0)})
	if err != nil {
		t.Fatal(err)
	}
	return besideFiles{s, NewBeside(fakeCluster(t, answers), s), asked}
}

// answer asks the questions of look until none is new.
func (b besideFiles) answer(t *testing.T, look func()) {
	t.Helper()
	err := Loop(context.Background(), b, b.Snapshot, func() []snapshot.Want {
		b.Listen()
		look()
		return b.Worth(b.Questions())
	})
	if err != nil {
		t.Fatal(err)
	}
}

const oneConfigMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ours}\ndata: {from: files}\n"

// Names are found, certainly missing, or refused; what the files say stays.
func TestBeside(t *testing.T) {
	b := beside(t, oneConfigMap, map[string]http.HandlerFunc{
		"/api/v1/namespaces/shop/configmaps/theirs": body(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"theirs","namespace":"shop"},"data":{"a":"b"}}`),
		"/api/v1/namespaces/shop/secrets/s": func(w http.ResponseWriter, _ *http.Request) {
			status(w, 403, metav1.StatusReasonForbidden, "secrets is forbidden")
		},
		"/api/v1/namespaces/shop/limitranges": body(`{"apiVersion":"v1","kind":"LimitRangeList","metadata":{},"items":[{"metadata":{"name":"l","namespace":"shop"}}]}`),
		"/api/v1/namespaces/shop/configmaps/ours": func(http.ResponseWriter, *http.Request) {
			t.Error("asked for what the files contain")
		},
	})
	look := func() {
		b.Lookup(snapshot.ConfigMapKind, "shop", "ours")
		b.Lookup(snapshot.ConfigMapKind, "shop", "theirs")
		b.Lookup(snapshot.ConfigMapKind, "shop", "gone")
		b.Lookup(snapshot.SecretKind, "shop", "s")
		b.Lookup(snapshot.SecretKind, "shop", "../../../nodes")
		b.List(snapshot.LimitRangeKind, "shop")
		b.List(snapshot.PodKind, "shop")
		b.List(snapshot.PodKind, "")
	}
	b.answer(t, look)
	for name, want := range map[string]snapshot.Outcome{
		"ours":   {State: snapshot.Present, Proven: true},
		"theirs": {State: snapshot.Present, Proven: true},
		"gone":   {State: snapshot.Absent, Proven: true},
	} {
		if _, got := b.Lookup(snapshot.ConfigMapKind, "shop", name); got.State != want.State || got.Proven != want.Proven {
			t.Errorf("%s is %+v", name, got)
		}
	}
	if _, out := b.Lookup(snapshot.SecretKind, "shop", "s"); out.State != snapshot.Blind || out.Reason != snapshot.ReasonForbidden {
		t.Errorf("the refused Secret is %+v", out)
	}
	ours, _ := b.Lookup(snapshot.ConfigMapKind, "shop", "ours")
	theirs, _ := b.Lookup(snapshot.ConfigMapKind, "shop", "theirs")
	if ours.Origin == nil || theirs.Origin != nil {
		t.Error("an Origin tells files from the cluster")
	}
	if n := len(b.List(snapshot.LimitRangeKind, "shop")); n != 1 {
		t.Errorf("%d LimitRanges", n)
	}
	before := len(b.asked.list)
	b.answer(t, look)
	if len(b.asked.list) != before {
		t.Errorf("asked again: %v", b.asked.list[before:])
	}
}

// Many names are one list, and what that lacks is asked for by name, some of it; the files' own object of a
// listed name stays.
func TestBesideMany(t *testing.T) {
	b := beside(t, oneConfigMap, map[string]http.HandlerFunc{
		"/api/v1/namespaces/shop/services": body(`{"apiVersion":"v1","kind":"ServiceList","metadata":{},"items":[{"metadata":{"name":"s1","namespace":"shop"}}]}`),
		"/api/v1/namespaces/shop/configmaps": body(`{"apiVersion":"meta.k8s.io/v1","kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"1"},
			"items":[{"metadata":{"name":"ours","namespace":"shop"}},{"metadata":{"name":"c1","namespace":"shop"}}]}`),
	})
	const many = 60
	look := func() {
		for i := range many {
			b.Lookup(snapshot.ServiceKind, "shop", fmt.Sprintf("s%d", i))
			b.Lookup(snapshot.ConfigMapKind, "shop", fmt.Sprintf("c%d", i))
		}
	}
	b.answer(t, look)
	if len(b.asked.list) != 2 {
		t.Errorf("%d lists: %v", len(b.asked.list), b.asked.list)
	}
	proven, absent := 0, 0
	for i := range many {
		o, out := b.Lookup(snapshot.ServiceKind, "shop", fmt.Sprintf("s%d", i))
		switch {
		case o != nil:
		case out.State != snapshot.Absent:
			t.Errorf("s%d is %+v", i, out)
		case out.Proven:
			proven++
		default:
			absent++
		}
	}
	if proven == 0 || proven > fewProofs || proven+absent != many-1 {
		t.Errorf("%d proven to be absent, %d absent", proven, absent)
	}
	if ours, _ := b.Lookup(snapshot.ConfigMapKind, "shop", "ours"); ours.Origin == nil {
		t.Error("the cluster's object took the place of the file's")
	}
}

// Of many namespaces one list is read; where that is refused, what it was for is not known.
func TestBesideManyNamespaces(t *testing.T) {
	var text strings.Builder
	const many = fewNamespaces + 5
	for i := range many {
		fmt.Fprintf(&text, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: n%d}\n", i)
	}
	b := beside(t, text.String(), map[string]http.HandlerFunc{
		"/api/v1/limitranges": body(`{"apiVersion":"v1","kind":"LimitRangeList","metadata":{},"items":[{"metadata":{"name":"l","namespace":"n3"}}]}`),
		"/apis/policy/v1/poddisruptionbudgets": func(w http.ResponseWriter, _ *http.Request) {
			status(w, 403, metav1.StatusReasonForbidden, "poddisruptionbudgets is forbidden")
		},
	})
	b.answer(t, func() {
		b.List(snapshot.LimitRangeKind, "") // of all, which is of those of the files
		for i := range many {
			b.List(snapshot.PDBKind, fmt.Sprintf("n%d", i))
		}
	})
	if len(b.asked.list) != 2 {
		t.Errorf("asked %v", b.asked.list)
	}
	if len(b.List(snapshot.LimitRangeKind, "n3")) != 1 {
		t.Error("the LimitRange of n3 was not found")
	}
	if out, _ := b.Outcome(snapshot.WantList(snapshot.PDBKind, "n7", "")); out.Reason != snapshot.ReasonForbidden {
		t.Errorf("the budgets of n7 are %+v", out)
	}
}
