import type { Hold } from '../../core/model/run/run.ts'

type Span = Pick<Hold, 'code' | 'from' | 'to'>

/** What held a run, by code alone: its message may change meanwhile, which is an entry of its own. */
export function spansOf (holds: readonly Span[]): Span[] {
  const spans: Span[] = []
  for (const { code, from, to } of holds) {
    const last = spans.at(-1)
    if (last?.code === code && last.to === from) last.to = to
    else spans.push({ code, from, to })
  }
  return spans
}
