import type { Test } from 'tap'
import { auditing, bounding } from './contract/bounding.ts'
import { burying } from './contract/burying.ts'
import { changing } from './contract/changing.ts'
import { counting } from './contract/counting.ts'
import { depending } from './contract/depending.ts'
import { byHand, running, settling } from './contract/ending.ts'
import type { Setup } from './contract/ground.ts'
import { holdingCohorts } from './contract/held-cohorts.ts'
import { holding } from './contract/holding.ts'
import { keeping, living, recovering } from './contract/keeping.ts'
import { lining } from './contract/lining.ts'
import { looking } from './contract/looking.ts'
import { misusing } from './contract/misusing.ts'
import { moving } from './contract/moving.ts'
import { naming } from './contract/naming.ts'
import { grouping, offering } from './contract/offers.ts'
import { planning } from './contract/planning.ts'
import { adding, claiming } from './contract/starting.ts'
import { taking } from './contract/taking.ts'
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
