package server

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what /metrics tells.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec   // by route and status
	seconds  *prometheus.HistogramVec // by route
	inFlight prometheus.Gauge
	batches  *prometheus.HistogramVec // inputs of each batch, by model and kind
	open     *prometheus.GaugeVec     // by model
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chiasm_requests_total", Help: "Requests that were answered."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chiasm_request_seconds", Help: "Time until a request was answered.",
			Buckets: []float64{.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600}}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chiasm_requests_in_flight", Help: "Requests that are being answered."}),
		batches: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chiasm_batch_inputs", Help: "Inputs that went through a model together.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 8)}, []string{"model", "kind"}),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chiasm_model_open", Help: "Whether a model is in memory."}, []string{"model"}),
	}
	m.registry.MustRegister(m.requests, m.seconds, m.inFlight, m.batches, m.open, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

func statusText(status int) string { return strconv.Itoa(status) }
