import type { Test } from 'tap'
import { changing } from './contract/changing.ts'
import { burying } from './contract/burying.ts'
import { depending } from './contract/depending.ts'
import { byHand, running, settling } from './contract/ending.ts'
import type { Setup } from './contract/ground.ts'
import { counting } from './contract/counting.ts'
import { holding } from './contract/holding.ts'
import { keeping, living, recovering } from './contract/keeping.ts'
import { lining } from './contract/lining.ts'
import { looking } from './contract/looking.ts'
import { moving } from './contract/moving.ts'
import { misusing } from './contract/misusing.ts'
import { naming } from './contract/naming.ts'
import { planning } from './contract/planning.ts'
import { adding, claiming } from './contract/starting.ts'
import { taking } from './contract/taking.ts'

/** What every keeper of runs does, whatever it is made of. */
export function contract (t: Test, setup: Setup): void {
  t.test('adding', t => adding(t, setup))
  t.test('claiming', t => claiming(t, setup))
  t.test('settling', t => settling(t, setup))
  t.test('running', t => running(t, setup))
  t.test('cancel and retry in every state', t => byHand(t, setup))
  t.test('every state and every call', t => moving(t, setup))
  t.test('recovering', t => recovering(t, setup))
  t.test('planning', t => planning(t, setup))
  t.test('lining', t => lining(t, setup))
  t.test('looking', t => looking(t, setup))
  t.test('sweeping and records', t => keeping(t, setup))
  t.test('holding', t => holding(t, setup))
  t.test('depending', t => depending(t, setup))
  t.test('misusing', t => misusing(t, setup))
  t.test('naming', t => naming(t, setup))
  t.test('changing', t => changing(t, setup))
  t.test('burying', t => burying(t, setup))
  t.test('counting', t => counting(t, setup))
  t.test('taking', t => taking(t, setup))
  t.test('living', t => living(t, setup))
}
