package knowledge

import "testing"

func TestWorkersIn(t *testing.T) {
	for _, c := range []struct {
		words []string
		image string
		count int
		flag  string
		half  string
	}{
		{[]string{"gunicorn", "--workers", "9", "app:app"}, "", 9, "--workers 9", "4"},
		{[]string{"gunicorn", "--workers=9", "app:app"}, "", 9, "--workers=9", "--workers=4"},
		{[]string{"gunicorn", "-w", "4", "app:app"}, "", 4, "-w 4", "2"},
		{[]string{"-w", "4"}, "shop/gunicorn:3", 4, "-w 4", "2"},
		{[]string{"sh", "-c", "exec gunicorn -w 8 app:app"}, "", 8, "-w 8", "exec gunicorn -w 4 app:app"},
		{[]string{"uwsgi", "--http", ":80", "--processes", "6", "-p", "5000"}, "", 5000, "-p 5000", "2500"},
		{[]string{"puma", "-p", "3000", "-w", "3"}, "", 3, "-w 3", "1"},
		{[]string{"uvicorn", "--workers", "1", "app:app"}, "", 0, "", ""},
		{[]string{"wc", "-w", "9"}, "", 0, "", ""},
		{[]string{"server", "--processes", "9"}, "", 0, "", ""},
		{[]string{"sh", "-c", "gunicorn --workers $N app"}, "", 0, "", ""},
		{[]string{"gunicorn", "--workers", "app"}, "", 0, "", ""},
		{nil, "", 0, "", ""},
	} {
		w, ok := WorkersIn(c.words, c.image)
		if ok != (c.count > 0) || ok && (w.Count != c.count || w.Flag != c.flag || w.With(c.count/2) != c.half) {
			t.Errorf("%q: %d %q %v, want %d %q", c.words, w.Count, w.Flag, ok, c.count, c.flag)
		}
	}
	for name, want := range map[string]int{"WEB_CONCURRENCY": 6, "UWSGI_PROCESSES": 6, "UV_THREADPOOL_SIZE": 0, "CONCURRENCY": 0} {
		if w, ok := WorkersOf(name, "6"); ok != (want > 0) || ok && w.Count != want {
			t.Errorf("%s: %d %v, want %d", name, w.Count, ok, want)
		}
	}
	if w, ok := WorkersOf("GUNICORN_CMD_ARGS", "--bind=:80 --workers=5"); !ok || w.Count != 5 || w.With(2) != "--bind=:80 --workers=2" {
		t.Errorf("GUNICORN_CMD_ARGS: %+v %v", w, ok)
	}
	if !WorkerPerCPU([]string{"nginx", "-g", "worker_processes auto; daemon off;"}) || WorkerPerCPU([]string{"nginx", "-g", "worker_processes 2;"}) {
		t.Error("worker_processes auto is one for each CPU")
	}
}
