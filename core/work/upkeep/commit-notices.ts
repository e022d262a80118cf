import type { Notice } from '../../model/notice.ts'
import type { EngineEvent } from '../../engine/in-process.ts'

/** Up to this many runs of one bulk change get a notice each; more get one notice with counts. */
const ONE_BY_ONE = 100

type Act = Extract<Notice, { kind: 'changed' }>['act']

/** The action of a bulk change, by the kind of its event. */
const ACTS = { cancelled: 'cancel', added: 'retry', removed: 'remove', edited: 'promote' } as const satisfies Partial<
  Record<EngineEvent['kind'], Act>
>
type Touched = Extract<EngineEvent, { kind: keyof typeof ACTS }>

const isTouched = (event: EngineEvent): event is Touched => event.call === 'change' && Object.hasOwn(ACTS, event.kind)

/** True for an event whose notice the runner of this owner sends itself. */
const isOwn = (event: EngineEvent, owner: string): boolean =>
  (event.kind === 'claimed' && event.run.owner === owner) || (event.kind === 'settled' && event.owner === owner)

function noticeOf (event: EngineEvent): Notice {
  const { call: _, ...rest } = event
  if (rest.kind !== 'settled') return rest
  const { owner: __, ...settled } = rest
  return settled
}

function changedNotice (act: Act, touched: readonly Touched[], all: readonly EngineEvent[]): Notice {
  const byTask = Map.groupBy(touched, ({ run }) => run.task)
  const record = all.find(event => event.kind === 'recorded' && event.call === 'change' && event.action === act)
  const tasks = Object.fromEntries([...byTask].map(([task, same]) => [task, same.length]))
  return { kind: 'changed', act, count: touched.length, tasks, by: record?.kind === 'recorded' ? record.by : '' }
}

/** The notices of a commit, in its order, without those that the runner of this owner sends itself. A bulk change of
 *  many runs is one notice, at the position of its first event. */
export function commitNotices (all: readonly EngineEvent[], owner: string): Notice[] {
  const byAct = Map.groupBy(all.filter(isTouched), ({ kind }) => ACTS[kind])
  const many = new Map([...byAct].filter(([, touched]) => touched.length > ONE_BY_ONE))
  return all.filter(event => !isOwn(event, owner)).flatMap(event => {
    const act = isTouched(event) ? ACTS[event.kind] : null
    const touched = act === null ? undefined : many.get(act)
    if (touched === undefined) return [noticeOf(event)]
    return touched[0] === event ? [changedNotice(act!, touched, all)] : []
  })
}
