package collect

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// podList is a list as the API server sends it.
func podList(t *testing.T, n int) []byte {
	t.Helper()
	return encoded(t, "", n)
}

// podListOf is one pod of a list that goes on at next.
func podListOf(t *testing.T, next string) []byte {
	t.Helper()
	return encoded(t, next, 1)
}

func eachItemOf(data []byte, kind string) (string, error) {
	return eachItem(bufio.NewReader(bytes.NewReader(data)), kind, func([]byte) error { return nil })
}

func encoded(t *testing.T, next string, n int) []byte {
	t.Helper()
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "7", Continue: next}}
	for i := range n {
		list.Items = append(list.Items, corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pod-%d", i), Labels: map[string]string{"app": "web"}}})
	}
	data, err := runtime.Encode(scheme.Codecs.EncoderForVersion(protobuf.NewSerializer(scheme.Scheme, scheme.Scheme), corev1.SchemeGroupVersion), list)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func names(data []byte) ([]string, error) {
	var got []string
	_, err := eachItem(bufio.NewReader(bytes.NewReader(data)), "PodList", func(item []byte) error {
		var pod corev1.Pod
		if err := pod.Unmarshal(item); err != nil {
			return err
		}
		got = append(got, pod.Name)
		return nil
	})
	return got, err
}

func TestEachItem(t *testing.T) {
	for _, n := range []int{0, 1, 3, 500} {
		got, err := names(podList(t, n))
		if err != nil || len(got) != n {
			t.Fatalf("%d items: got %d, %v", n, len(got), err)
		}
		if n > 0 && got[n-1] != fmt.Sprintf("pod-%d", n-1) {
			t.Errorf("last of %d items: %s", n, got[n-1])
		}
	}
}

// A connection that breaks in the middle of a list must not look like a short list.
func TestEachItemCut(t *testing.T) {
	whole := podList(t, 3)
	full, _ := names(whole)
	for size := len(protobufMagic) + 1; size < len(whole)-1; size++ {
		got, err := names(whole[:size])
		if err == nil && len(got) != len(full) {
			t.Fatalf("cut at %d of %d bytes: %d items and no error", size, len(whole), len(got))
		}
	}
	if _, err := names(whole[:len(whole)/2]); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut in half: %v", err)
	}
}

func TestEachItemOfAnotherFormat(t *testing.T) {
	if _, err := names([]byte(`{"items":[]}`)); !errors.Is(err, errNotProtobuf) {
		t.Errorf("JSON: %v", err)
	}
}
