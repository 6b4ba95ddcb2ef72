/* SPDX-License-Identifier: Apache-2.0 */
/* vagus: an agent's sense of its own body. Includes the whole public interface. */
#ifndef VAGUS_VAGUS_H
#define VAGUS_VAGUS_H

#include "agent.h"
#include "base.h"
#include "brainstem.h"
#include "budget.h"
#include "collector.h"
#include "health.h"
#include "histogram.h"
#include "metric.h"
#include "mode.h"
#include "monitor.h"
#include "operation.h"
#include "policy.h"
#include "query.h"
#include "rule.h"
#include "signal.h"
#include "snapshot.h"
#include "snapshot_view.h"

#endif
