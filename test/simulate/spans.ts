import type { Hold } from '../../core/model/run/run.ts'

type Span = Pick<Hold, 'code' | 'from' | 'to'>

/** The holds of a run with adjacent ones of the same code merged; each change of a message is a hold of its own. */
export function spansOf (holds: readonly Span[]): Span[] {
  const spans: Span[] = []
  for (const { code, from, to } of holds) {
    const last = spans.at(-1)
    if (last?.code === code && last.to === from) last.to = to
    else spans.push({ code, from, to })
  }
  return spans
}
