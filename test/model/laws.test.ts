import t from 'tap'
import fc from 'fast-check'
import { DEFAULT_BACKOFF, retryAt } from '../../core/model/run/retry.ts'
import { decodeId, encodeId, nextNumber } from '../../core/model/run/id.ts'
import { labelOf } from '../../core/model/run/run.ts'
import { milliseconds, seconds, spanWords } from '../../core/model/base/duration.ts'

t.test('the wait before a retry grows, is capped, and chance only shortens it', t => {
  const at = (attempt: number, random = 0) => retryAt({ attempt, now: 0, random, backoff: DEFAULT_BACKOFF })
  t.strictSame([1, 2, 3, 4].map(attempt => at(attempt)), [15_000, 30_000, 60_000, 120_000])
  t.equal(at(1000), 3_600_000)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (attempt, random) =>
        at(attempt, random) <= at(attempt) && at(attempt, random) >= at(attempt) / 2 &&
        Number.isInteger(at(attempt, random)))
  )
  t.equal(retryAt({ attempt: 3, now: 5, random: 0, backoff: { kind: 'linear', delay: '10s', cap: '1h', jitter: 0 } }),
    30_005)
  t.equal(retryAt({ attempt: 9, now: 5, random: 0.9, backoff: { kind: 'fixed', delay: 7, cap: '1h', jitter: 0 } }),
    7005)
  t.end()
})

t.test('durations are seconds or words, and anything else is refused in words', t => {
  t.strictSame([90, '15m', '1h 30m', 'PT15M', '250ms', 0].map(value => milliseconds(value)), [90_000, 900_000,
    5_400_000, 900_000, 250, 0])
  t.equal(seconds('2m'), 120)
  for (const wrong of ['soon', '', -1, NaN, Infinity, '-5m', 'banana 5m', '5 bananas', 'P', 'PT', '5m later']) {
    t.throws(() => milliseconds(wrong), { code: 'OFFPEAK_DURATION_INVALID' }, `${wrong}`)
  }
  t.strictSame([820, 4000, 7_920_000, 90_061_000].map(spanWords), ['820 ms', '4 s', '2 h 12 m', '1 d 1 h'])
  // What is waited for has come nearer by the time that it is read.
  t.strictSame([8 * 3600, 24 * 3600, 3600, 60, 1].map(whole => spanWords(whole * 1000 - 100)), ['8 h', '1 d', '1 h',
    '1 m', '900 ms'])
  t.strictSame([89_400, 90_600, 3_570_000].map(spanWords), ['1 m 29 s', '1 m 31 s', '59 m 30 s'])
  t.end()
})

t.test('a run id sorts as its number does, and reads back', t => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(),
      (a, b) => decodeId(encodeId(a)) === a && (encodeId(a) < encodeId(b)) === (a < b))
  )
  for (const wrong of ['', 'short', 'waytoolongforanid', '0000000000!', '../../../etc', 'zzzzzzzzzzz']) {
    t.equal(decodeId(wrong), null, wrong)
  }
  t.ok(nextNumber(nextNumber(0, 1000), 500) > nextNumber(0, 1000), 'also when the clock goes back')
  t.end()
})

t.test('labels follow from what is stored and the clock', t => {
  const run = { state: 'queued', due_at: 100, attempt: 0, max_retries: 2, reason: null } as const
  t.equal(labelOf(run, 99), 'scheduled')
  t.equal(labelOf(run, 100), 'queued')
  t.equal(labelOf({ ...run, attempt: 1 }, 99), 'retrying')
  t.equal(labelOf({ ...run, state: 'failed', attempt: 3 }, 0), 'dead')
  t.equal(labelOf({ ...run, state: 'failed', attempt: 1 }, 0), 'failed')
  t.equal(labelOf({ ...run, state: 'failed', attempt: 1, reason: { code: 'retry_for', message: '' } }, 0), 'dead')
  t.equal(labelOf({ ...run, state: 'running', attempt: 1 }, 0), 'running')
  t.end()
})
