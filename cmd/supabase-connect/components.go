package main

import (
	_ "time/tzdata" // cron schedules name time zones, which a small container image lacks

	// The components of Benthos itself: MIT.
	_ "github.com/redpanda-data/benthos/v4/public/components/io"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure"
	_ "github.com/redpanda-data/benthos/v4/public/components/pure/extended"

	// Those of Redpanda Connect. NOTICE says which of them carry files under
	// the Redpanda Community License.
	_ "github.com/redpanda-data/connect/v4/public/components/kafka"
	_ "github.com/redpanda-data/connect/v4/public/components/prometheus"
	_ "github.com/redpanda-data/connect/v4/public/components/redis"
)
