import type { Test } from 'tap'
import { audit, queueBounds } from './contract/reports/queue-bounds.ts'
import { cohorts } from './contract/cohorts.ts'
import { cohortHolds } from './contract/cohort-holds.ts'
import { deadLetters } from './contract/reports/dead-letters.ts'
import { dependencies } from './contract/runs/dependencies.ts'
import { edits } from './contract/runs/edit.ts'
import { flowRetries } from './contract/runs/flow-retries.ts'
import type { Setup } from './contract/fixtures.ts'
import { keys } from './contract/runs/keys.ts'
import { leases, lifecycle, retention } from './contract/recovery.ts'
import { lists } from './contract/reports/list.ts'
import { misuse } from './contract/runs/misuse.ts'
import { offers } from './contract/offers.ts'
import { plans } from './contract/plans.ts'
import { queues } from './contract/reports/queues.ts'
import { additions, claims } from './contract/runs/add-and-claim.ts'
import { runHolds } from './contract/run-holds.ts'
import { states } from './contract/runs/states.ts'
import { cancelAndRetry, reports, settlements } from './contract/runs/settle.ts'
import { statistics } from './contract/reports/statistics.ts'
import type { Suite } from './contract/suite.ts'
import { usage } from './contract/reports/usage.ts'
import { versions } from './contract/versions.ts'

const SUITES: Record<string, Suite> = {
  'additions': additions,
  'claims': claims,
  'offers': offers,
  'cohorts and single runs': cohorts,
  'settlements': settlements,
  'reports of running tasks': reports,
  'cancel and retry in every state': cancelAndRetry,
  'every state and every call': states,
  'leases that are over': leases,
  'plans': plans,
  'versions': versions,
  'queues': queues,
  'bounds of queues': queueBounds,
  'audit': audit,
  'counts and lists': lists,
  'retention and records': retention,
  'holds of runs': runHolds,
  'holds of cohorts': cohortHolds,
  'dependencies': dependencies,
  'retries in a flow': flowRetries,
  'misuse': misuse,
  'keys': keys,
  'edits': edits,
  'dead letters': deadLetters,
  'statistics': statistics,
  'usage': usage,
  'lifecycle': lifecycle
}

/** The tests that every engine passes, whatever keeps its runs. */
export function contract (t: Test, setup: Setup): void {
  for (const [name, suite] of Object.entries(SUITES)) t.test(name, t => suite.run(t, setup))
}
