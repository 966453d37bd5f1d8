package dashboard

type row struct {
	title  string
	panels []panel
}

// panel is a graph, or a tile: a number with a colour.
type panel struct {
	title, description string
	unit               string // of Grafana
	width              uint32 // of 24
	tile               bool
	warn, bad          float64 // limits of a tile; see colours
	stacked            bool
	most               float64 // the end of the axis, if it is known
	series             []series
}

type series struct{ expr, legend string }

// each is the legend of one line for each input.
const each = "{{instance}} {{stream}} {{label}}"

var rows = []row{
	{"Now", []panel{
		{
			title: "Delivered", description: "Objects that the output acknowledged, a second, over the last minutes.",
			unit: "cps", width: 3, tile: true,
			series: []series{{`sum(rate(supabase_storage_delivered{INPUT}[$__rate_interval]))`, "objects"}},
		},
		{
			title: "Oldest message without an ack", description: "Grows without end where the output takes no more.",
			unit: "s", width: 3, tile: true, warn: 60, bad: 300,
			series: []series{{`max(supabase_storage_oldest_undelivered_seconds{INPUT})`, "oldest"}},
		},
		{
			title: "Parked", description: "Objects that could not be delivered and are tried again. supabase-connect state CONFIG lists them with their reasons.",
			unit: "short", width: 3, tile: true, warn: 1, bad: 1000,
			series: []series{{`sum(supabase_storage_parked_now{INPUT})`, "objects"}},
		},
		{
			title: "Since the last complete listing", description: "Of the input that has waited longest. Deletions are noticed by complete listings alone.",
			unit: "s", width: 3, tile: true, warn: 2 * 3600, bad: 26 * 3600,
			series: []series{{`max(time() - (supabase_storage_last_complete_pass_unix{INPUT} > 0))`, "listing"}},
		},
		{
			title: "Next pass", description: "Time until the next pass that is due; below zero while one is under way. None for one-time runs.",
			unit: "s", width: 3, tile: true,
			series: []series{{`min((supabase_storage_pass_due_unix{INPUT} > 0) - time())`, "pass"}},
		},
		{
			title: "Token ends in", description: "Time until the first token ends. One that is renewed is replaced before its last tenth. None for keys without an end.",
			unit: "s", width: 3, tile: true, warn: 300, bad: 60,
			series: []series{{`min((supabase_storage_credentials_expire_unix{INPUT} > 0) - time())`, "token"}},
		},
		{
			title: "Inputs that wait", description: "Inputs that wait for their endpoint, for a state that can't be written, or for new credentials. The log says why.",
			unit: "short", width: 3, tile: true, warn: 1, bad: 1,
			series: []series{{`sum(clamp_max(
  supabase_storage_endpoint_failing{INPUT} + supabase_storage_state_failing{INPUT} + supabase_storage_credentials_failing{INPUT}, 1
))`, "inputs"}},
		},
		{
			title: "Deletions held", description: "Objects that are gone from the listing and do not count as deleted, because so many at once look like a lost right.",
			unit: "short", width: 3, tile: true, warn: 1, bad: 1,
			series: []series{{`sum(supabase_storage_deletes_held{INPUT})`, "objects"}},
		},
	}},
	{"Throughput", []panel{
		{
			title: "Objects delivered", description: "Objects that the output acknowledged, a second.",
			unit: "cps", width: 12,
			series: []series{{`sum by (EACH) (rate(supabase_storage_delivered{INPUT}[$__rate_interval]))`, each}},
		},
		{
			title: "Bytes delivered", description: "Bytes of objects that the output acknowledged, a second.",
			unit: "binBps", width: 12,
			series: []series{{`sum by (EACH) (rate(supabase_storage_bytes{INPUT}[$__rate_interval]))`, each}},
		},
		{
			title: "What became of listed objects", description: "Objects a second, by how they ended.",
			unit: "cps", width: 12, stacked: true,
			series: []series{
				{`sum(rate(supabase_storage_delivered{INPUT}[$__rate_interval]))`, "delivered"},
				{`sum(rate(supabase_storage_unchanged{INPUT}[$__rate_interval]))`, "unchanged"},
				{`sum(rate(supabase_storage_filtered{INPUT}[$__rate_interval]))`, "filtered"},
				{`sum(rate(supabase_storage_vanished{INPUT}[$__rate_interval]))`, "vanished"},
				{`sum(rate(supabase_storage_parked{INPUT}[$__rate_interval]))`, "parked"},
			},
		},
		{
			title: "Objects left out, by rule", description: "Objects that patterns and limits leave out, a second.",
			unit: "cps", width: 12, stacked: true,
			series: []series{{`sum by (rule) (rate(supabase_storage_filtered{INPUT}[$__rate_interval]))`, "{{rule}}"}},
		},
	}},
	{"Backlog", []panel{
		{
			title: "Oldest message without an ack", description: "A line that rises by a second each second is an output that takes nothing.",
			unit: "s", width: 8,
			series: []series{{`max by (EACH) (supabase_storage_oldest_undelivered_seconds{INPUT})`, each}},
		},
		{
			title: "Under way", description: "Downloads, and batches of messages without an ack.",
			unit: "short", width: 8,
			series: []series{
				{`sum(supabase_storage_in_flight{INPUT})`, "downloads"},
				{`sum(supabase_storage_undelivered_batches{INPUT})`, "batches without an ack"},
			},
		},
		{
			title: "Bytes in memory", description: "What downloads hold until the pipeline takes it; concurrency.buffer_bytes is the limit of each input.",
			unit: "bytes", width: 8,
			series: []series{{`sum by (EACH) (supabase_storage_buffered_bytes{INPUT})`, each}},
		},
		{
			title: "Progress of the listing", description: "How much of the bucket the full pass under way has listed, or the last one. Estimated from the one before.",
			unit: "percentunit", width: 8, most: 1,
			series: []series{{`max by (EACH) (supabase_storage_pass_listed{INPUT}) / (max by (EACH) (supabase_storage_pass_expected{INPUT}) > 0)`, each}},
		},
		{
			title: "Passes under way", description: "By kind. Without a pause between them, more arrives than is delivered.",
			unit: "short", width: 8, stacked: true,
			series: []series{{`sum by (kind) (supabase_storage_pass_under_way{INPUT})`, "{{kind}}"}},
		},
		{
			title: "Lateness of passes", description: "How long ago the pass under way was due.",
			unit: "s", width: 8,
			series: []series{{`max by (EACH) (clamp_min(time() - (supabase_storage_pass_due_unix{INPUT} > 0), 0))`, each}},
		},
	}},
	{"Targets", []panel{
		{
			title: "What became of targets", description: "Objects that messages of targets_input name, a second, by how they ended.",
			unit: "cps", width: 8, stacked: true,
			series: []series{
				{`sum(rate(supabase_storage_targets_delivered{INPUT}[$__rate_interval]))`, "delivered"},
				{`sum(rate(supabase_storage_targets_joined{INPUT}[$__rate_interval]))`, "joined"},
				{`sum(rate(supabase_storage_targets_filtered{INPUT}[$__rate_interval]))`, "filtered"},
				{`sum(rate(supabase_storage_targets_missing{INPUT}[$__rate_interval]))`, "missing"},
				{`sum(rate(supabase_storage_targets_failed{INPUT}[$__rate_interval]))`, "failed"},
			},
		},
		{
			title: "Oldest target", description: "How long the oldest target has waited that is not done with.",
			unit: "s", width: 8,
			series: []series{{`max by (EACH) (supabase_storage_oldest_target_seconds{INPUT})`, each}},
		},
		{
			title: "Messages with targets", description: "Objects that messages named, and messages that name no object, a second.",
			unit: "cps", width: 8,
			series: []series{
				{`sum(rate(supabase_storage_targets_received{INPUT}[$__rate_interval]))`, "objects"},
				{`sum(rate(supabase_storage_targets_malformed{INPUT}[$__rate_interval]))`, "malformed messages"},
			},
		},
	}},
	{"Errors", []panel{
		{
			title: "Requests made again, by cause", description: "Requests to the server that failed in a way that may pass, a second.",
			unit: "reqps", width: 8, stacked: true,
			series: []series{{`sum by (cause) (rate(supabase_storage_retries{INPUT}[$__rate_interval]))`, "{{cause}}"}},
		},
		{
			title: "Parked objects, by reason", description: "As far as the passes of these processes have met them.",
			unit: "short", width: 8, stacked: true,
			series: []series{{`sum by (reason) (supabase_storage_parked_objects{INPUT})`, "{{reason}}"}},
		},
		{
			title: "Passes that failed in a row", description: "Full passes that ended early. 0 after one that did not. Of inputs that read several buckets, also how many of these are read, wait, fail, or are gone.",
			unit: "short", width: 8,
			series: []series{
				{`max by (EACH) (supabase_storage_passes_failed{INPUT})`, each},
				{`sum by (state) (supabase_storage_scopes{INPUT})`, "buckets {{state}}"},
				{`sum by (state) (supabase_storage_projects{INPUT})`, "projects {{state}}"},
			},
		},
		{
			title: "Output errors", description: "Errors of the outputs of these pipelines, a second. Rejected messages are sent again.",
			unit: "cps", width: 8,
			series: []series{{`sum by (job, instance, stream, label, path) (rate(output_error{PIPELINE}[$__rate_interval]))`, "{{instance}} {{stream}} {{label}} {{path}}"}},
		},
		{
			title: "Time in the output", description: "Mean time from sending a batch to its ack.",
			unit: "ns", width: 8,
			series: []series{{`sum by (job, instance, stream, label, path) (rate(output_latency_ns_sum{PIPELINE}[$__rate_interval]))
/ sum by (job, instance, stream, label, path) (rate(output_latency_ns_count{PIPELINE}[$__rate_interval]))`, "{{instance}} {{stream}} {{label}} {{path}}"}},
		},
		{
			title: "Outputs connected", description: "0 while an output has no connection.",
			unit: "short", width: 8, most: 1,
			series: []series{{`min by (job, instance, stream, label, path) (output_connection_up{PIPELINE})`, "{{instance}} {{stream}} {{label}} {{path}}"}},
		},
	}},
	{"Endpoint", []panel{
		{
			title: "Requests that may be under way", description: "Downloads, and pages of a listing. Only push-back of the server (429, 503, 544, refused connections) makes them fewer.",
			unit: "short", width: 8,
			series: []series{
				{`max by (EACH) (supabase_storage_download_window{INPUT})`, each + " downloads"},
				{`max by (EACH) (supabase_storage_list_window{INPUT})`, each + " pages"},
			},
		},
		{
			title: "Time to the first byte", description: "From a request for an object to the first byte of its answer: the mean, and the slowest hundredth of the last 10 minutes.",
			unit: "ns", width: 8,
			series: []series{
				{`sum(rate(supabase_storage_first_byte_ns_sum{INPUT}[$__rate_interval])) / sum(rate(supabase_storage_first_byte_ns_count{INPUT}[$__rate_interval]))`, "mean"},
				{`max(supabase_storage_first_byte_ns{quantile="0.99", INPUT})`, "slowest hundredth"},
			},
		},
		{
			title: "Time for a page of the listing", description: "A page is a thousand keys, and a query of the project's database.",
			unit: "ns", width: 8,
			series: []series{
				{`sum(rate(supabase_storage_list_page_ns_sum{INPUT}[$__rate_interval])) / sum(rate(supabase_storage_list_page_ns_count{INPUT}[$__rate_interval]))`, "mean"},
				{`max(supabase_storage_list_page_ns{quantile="0.99", INPUT})`, "slowest hundredth"},
			},
		},
		{
			title: "Endpoint fails", description: "1 while an input waits for its endpoint, which is down or refuses requests.",
			unit: "short", width: 12, most: 1,
			series: []series{{`max by (EACH) (supabase_storage_endpoint_failing{INPUT})`, each}},
		},
		{
			title: "Inputs connected", description: "0 until the first requests succeed.",
			unit: "short", width: 12, most: 1,
			series: []series{{`min by (EACH) (input_connection_up{INPUT})`, each}},
		},
	}},
	{"Ledger", []panel{
		{
			title: "Objects in the state", description: "Objects of which a version was delivered, by the state.",
			unit: "short", width: 8,
			series: []series{{`sum by (EACH) (supabase_storage_tracked{INPUT})`, each}},
		},
		{
			title: "Parked objects", description: "Objects that wait for another attempt, by the state.",
			unit: "short", width: 8,
			series: []series{{`sum by (EACH) (supabase_storage_parked_now{INPUT})`, each}},
		},
		{
			title: "Deletions", description: "Deletions that were delivered, and objects that are gone and do not count as deleted.",
			unit: "short", width: 8,
			series: []series{
				{`sum(increase(supabase_storage_deleted_events{INPUT}[$__rate_interval]))`, "delivered"},
				{`sum(supabase_storage_deletes_held{INPUT})`, "held"},
			},
		},
		{
			title: "Passes", description: "Full listings, and passes that asked only for changes, an hour.",
			unit: "short", width: 8,
			series: []series{
				{`3600 * sum(rate(supabase_storage_pass_ns_count{INPUT}[$__rate_interval]))`, "full"},
				{`3600 * sum(rate(supabase_storage_changes_polls{INPUT}[$__rate_interval]))`, "changes"},
			},
		},
		{
			title: "Time for a full pass", description: "The slowest of the last 10 minutes.",
			unit: "ns", width: 8,
			series: []series{{`max by (EACH) (supabase_storage_pass_ns{quantile="0.99", INPUT})`, each}},
		},
		{
			title: "State fails", description: "1 while the state can't be written; nothing more is delivered then.",
			unit: "short", width: 8, most: 1,
			series: []series{{`max by (EACH) (supabase_storage_state_failing{INPUT})`, each}},
		},
	}},
	{"Credentials", []panel{
		{
			title: "Time until the token ends", description: "A saw is a token that is renewed; a line that falls to zero is one that nobody renews.",
			unit: "s", width: 8,
			series: []series{{`min by (EACH) ((supabase_storage_credentials_expire_unix{INPUT} > 0) - time())`, each}},
		},
		{
			title: "Credentials fail", description: "1 while new credentials can't be had.",
			unit: "short", width: 8, most: 1,
			series: []series{{`max by (EACH) (supabase_storage_credentials_failing{INPUT})`, each}},
		},
		{
			title: "Requests that were refused", description: "Requests made again after the server refused the credentials, or access to an object, a second.",
			unit: "reqps", width: 8,
			series: []series{{`sum by (cause) (rate(supabase_storage_retries{cause=~"credentials|denied", INPUT}[$__rate_interval]))`, "{{cause}}"}},
		},
	}},
}
