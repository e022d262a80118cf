import type { Test } from 'tap'
import { auditing, bounding } from './contract/reports/queue-bounds.ts'
import { burying } from './contract/reports/dead-letters.ts'
import { changing } from './contract/runs/edit.ts'
import { counting } from './contract/reports/statistics.ts'
import { depending } from './contract/runs/dependencies.ts'
import { byHand, running, settling } from './contract/runs/settle.ts'
import type { Setup } from './contract/fixtures.ts'
import { holdingCohorts } from './contract/cohort-holds.ts'
import { holding } from './contract/run-holds.ts'
import { keeping, living, recovering } from './contract/recovery.ts'
import { lining } from './contract/reports/queues.ts'
import { looking } from './contract/reports/list.ts'
import { misusing } from './contract/runs/misuse.ts'
import { moving } from './contract/runs/states.ts'
import { naming } from './contract/runs/keys.ts'
import { grouping } from './contract/cohorts.ts'
import { offering } from './contract/offers.ts'
import { planning } from './contract/plans.ts'
import { adding, claiming } from './contract/runs/add-and-claim.ts'
import { taking } from './contract/reports/usage.ts'
import { versioning } from './contract/versions.ts'

/** What every keeper of runs does, whatever it is made of. */
export function contract (t: Test, setup: Setup): void {
  t.test('adding', t => adding(t, setup))
  t.test('claiming', t => claiming(t, setup))
  t.test('offers', t => offering(t, setup))
  t.test('cohorts and single runs', t => grouping(t, setup))
  t.test('settling', t => settling(t, setup))
  t.test('running', t => running(t, setup))
  t.test('cancel and retry in every state', t => byHand(t, setup))
  t.test('every state and every call', t => moving(t, setup))
  t.test('leases that are over', t => recovering(t, setup))
  t.test('planning', t => planning(t, setup))
  t.test('versions', t => versioning(t, setup))
  t.test('queues', t => lining(t, setup))
  t.test('bounds', t => bounding(t, setup))
  t.test('audit', t => auditing(t, setup))
  t.test('counts and lists', t => looking(t, setup))
  t.test('sweeping and records', t => keeping(t, setup))
  t.test('holding', t => holding(t, setup))
  t.test('holding cohorts', t => holdingCohorts(t, setup))
  t.test('depending', t => depending(t, setup))
  t.test('misusing', t => misusing(t, setup))
  t.test('naming', t => naming(t, setup))
  t.test('changing', t => changing(t, setup))
  t.test('dead letters', t => burying(t, setup))
  t.test('statistics', t => counting(t, setup))
  t.test('usage', t => taking(t, setup))
  t.test('living', t => living(t, setup))
}
