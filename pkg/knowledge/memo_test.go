package knowledge

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

func TestMemo(t *testing.T) {
	var m memo[int]
	var mutex sync.Mutex
	worked := map[string]int{}
	work := func(text string) int {
		mutex.Lock()
		defer mutex.Unlock()
		worked[text]++
		return len(text)
	}
	long := strings.Repeat("x", memoLength+1)
	for range 2 {
		if got := m.of("short", work) + m.of(long, work); got != len("short")+len(long) {
			t.Error(got)
		}
	}
	if worked["short"] != 1 || worked[long] != 2 {
		t.Errorf("short was worked out %d times, what is long %d", worked["short"], worked[long])
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for i := range 2 * memoTexts {
				if text := fmt.Sprint(i); m.of(text, work) != len(text) {
					t.Errorf("%s: wrong", text)
				}
			}
		})
	}
	all.Wait()
	if n := m.count.Load(); n < memoTexts || n > memoTexts+4 {
		t.Errorf("%d texts are remembered, of at most %d", n, memoTexts)
	}
}
