package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"math/big"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// serveOptions are the ways in which a server disappoints those who ask it.
type serveOptions struct {
	listen, readyWhen, says     string
	startAfter                  time.Duration
	startCPU                    int
	healthFails, healthHangs    time.Duration
	healthStatus                int
	healthPath                  string
	notReady, https             bool
	readyAfter, readyFailsAfter time.Duration
}

func serveFlags(f *flag.FlagSet, o *options) {
	s := &o.serve
	f.StringVar(&s.listen, "listen", ":8080", "the address; 127.0.0.1:8080 is out of the kubelet's reach")
	f.BoolVar(&s.https, "https", false, "serve HTTPS, with a certificate of its own making")
	f.DurationVar(&s.startAfter, "start-after", 0, "wait this long before it listens")
	f.IntVar(&s.startCPU, "start-cpu", 0, "milliseconds of CPU that the start takes: how long that is depends on its CPU limit")
	f.DurationVar(&s.healthFails, "health-fails-after", 0, "/healthz answers 500 after this long (0: never)")
	f.DurationVar(&s.healthHangs, "health-hangs-after", 0, "/healthz never answers after this long (0: never)")
	f.IntVar(&s.healthStatus, "health-status", http.StatusOK, "what /healthz answers")
	f.StringVar(&s.healthPath, "health-path", "/healthz", "where the health endpoint is; every other path is 404")
	f.BoolVar(&s.notReady, "not-ready", false, "/readyz answers 503")
	f.DurationVar(&s.readyAfter, "ready-after", 0, "/readyz answers 503 until then")
	f.DurationVar(&s.readyFailsAfter, "ready-fails-after", 0, "/readyz answers 503 from then on (0: never)")
	f.StringVar(&s.readyWhen, "ready-when", "", "/readyz answers 503 until this HOST:PORT or URL answers")
	f.StringVar(&s.says, "says", "", "a line to log before it listens")
	f.DurationVar(&o.forTime, "for", 0, "exit after this long (0: never), with -exit-code")
	f.IntVar(&o.code, "exit-code", 0, "the exit code after -for")
	f.StringVar(&o.message, "exit-message", "", "what to say on stderr then")
	termFlag(f, o)
}

// handler answers as the options say. What depends on a time counts from start.
func (s *serveOptions) handler(p *process, start time.Time) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(s.healthPath, func(w http.ResponseWriter, r *http.Request) {
		up := p.now().Sub(start)
		switch {
		case s.healthHangs > 0 && up > s.healthHangs:
			p.logf("%s: waiting for a database connection", s.healthPath)
			<-r.Context().Done() // until the kubelet gives up, as a lock that nobody frees
		case s.healthFails > 0 && up > s.healthFails:
			p.logf("%s: 500", s.healthPath)
			http.Error(w, "database connection pool exhausted", http.StatusInternalServerError)
		default:
			w.WriteHeader(s.healthStatus)
			_, _ = fmt.Fprintln(w, "ok")
		}
	})
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		up := p.now().Sub(start)
		if s.notReady || up < s.readyAfter || s.readyFailsAfter > 0 && up > s.readyFailsAfter {
			http.Error(w, "waiting for migrations", http.StatusServiceUnavailable)
			return
		}
		if s.readyWhen != "" {
			if err := reach(s.readyWhen, time.Second); err != nil {
				p.logf("not ready: %v", err)
				http.Error(w, err.Error(), http.StatusServiceUnavailable)
				return
			}
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return mux
}

func serve(p *process, o *options) int {
	start := p.now()
	s := &o.serve
	started := dieOnTerm(o.onTerm)
	p.sleep(s.startAfter)
	burn(p, s.startCPU)
	started()
	if s.says != "" {
		p.logf("%s", s.says)
	}
	server := &http.Server{Addr: s.listen, Handler: s.handler(p, start), ReadHeaderTimeout: time.Minute}
	go func() {
		p.logf("listening on %s", s.listen)
		err := listen(server, s.https)
		_, _ = fmt.Fprintln(p.err, err) // listen tcp :80: bind: permission denied
		os.Exit(1)
	}()
	if o.forTime == 0 {
		return waitForTerm(context.Background(), p, o.onTerm)
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.forTime)
	defer cancel()
	if code := waitForTerm(ctx, p, o.onTerm); ctx.Err() == nil {
		return code // SIGTERM came first
	}
	if o.message != "" {
		_, _ = fmt.Fprintln(p.err, o.message)
	}
	return o.code
}

// dieOnTerm ends the process on SIGTERM as a runtime does that has no handler of the program yet, with
// 143; ignored where that is asked for. It holds until the returned function is called.
func dieOnTerm(onTerm string) (stop func()) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-signals:
				if onTerm == "ignore" {
					continue
				}
				os.Exit(dead)
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// burnStep is after how much CPU time the start says how far it is.
const burnStep = 100

// burn uses so many milliseconds of CPU time, whatever time that takes.
func burn(p *process, milliseconds int) {
	if milliseconds <= 0 {
		return
	}
	// Said before any of it: on a machine with too much to do the first step may take longer than a probe waits.
	p.logf("starting: loading %d classes", milliseconds)
	begin := cpuTime()
	said, sum := 0, uint64(0)
	for {
		used := int((cpuTime() - begin).Milliseconds())
		if used >= milliseconds {
			break
		}
		if used/burnStep > said {
			said = used / burnStep
			p.logf("starting: loaded %d of %d classes", said*burnStep, milliseconds)
		}
		for i := range uint64(100_000) {
			sum = sum*31 + i
		}
	}
	p.logf("started: loaded %d classes (checksum %x)", milliseconds, sum)
}

// cpuTime is what this process has used up to now.
func cpuTime() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}

// listen serves until that fails.
func listen(server *http.Server, https bool) error {
	if !https {
		return server.ListenAndServe()
	}
	certificate, err := ownCertificate()
	if err != nil {
		return err
	}
	server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	return server.ListenAndServeTLS("", "")
}

// ownCertificate is one that nobody has signed; the kubelet's probes do not look at it.
func ownCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().AddDate(1, 0, 0), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// registryHandler has no image, and asks for a login below /v2/private/.
func registryHandler(p *process) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.logf("%s %s", r.Method, r.URL.Path)
		w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.URL.Path == "/v2/":
			_, _ = fmt.Fprint(w, "{}")
		case strings.HasPrefix(r.URL.Path, "/v2/private/"):
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}`)
		}
	})
}

func registry(p *process, o *options) int {
	p.logf("listening on %s", o.listen)
	err := http.ListenAndServe(o.listen, registryHandler(p))
	_, _ = fmt.Fprintln(p.err, err)
	return 1
}
