import t from 'tap'
import fc from 'fast-check'
import { Heap } from '../../core/work/plan/heap.ts'
import type { Item } from '../../core/work/plan/heap.ts'

t.test('the earliest key is taken first, however keys were added, moved and removed', t => {
  const step = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
    fc.option(fc.integer({ min: 0, max: 20 }), { nil: null }))
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 20 }), (steps, now) => {
    const heap = new Heap<Item & { key: string }>()
    const items = new Map([...'abcdefg'].map(key => [key, { key, at: 0, place: -1 }]))
    const model = new Map<string, number>()
    for (const [key, at] of steps) {
      heap.set(items.get(key)!, at)
      if (at === null) model.delete(key)
      else model.set(key, at)
    }
    const due = [...model].filter(([, at]) => at <= now)
    const taken = heap.take(now).map(({ key }) => key)
    const order = taken.map(key => model.get(key)!)
    return order.every((at, index) => index === 0 || order[index - 1]! <= at) &&
      taken.toSorted().join() === due.map(([key]) => key).toSorted().join() &&
      heap.size === model.size - due.length &&
      (heap.first?.at ?? null) ===
        (model.size > due.length ? Math.min(...[...model.values()].filter(at => at > now)) : null)
  }))
  t.end()
})
