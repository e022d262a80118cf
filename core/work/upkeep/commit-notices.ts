import type { Notice } from '../../model/notice.ts'
import type { EngineEvent } from '../../engine/in-process.ts'

/** Up to this many runs of one change by filter have a notice each; more of them are one notice with counts. */
const ONE_BY_ONE = 100

type Act = Extract<Notice, { kind: 'changed' }>['act']

/** What a change by filter has done to a run, by the kind of its message. */
const ACTS = { cancelled: 'cancel', added: 'retry', removed: 'remove', edited: 'promote' } as const satisfies Partial<
  Record<EngineEvent['kind'], Act>
>
type Touched = Extract<EngineEvent, { kind: keyof typeof ACTS }>

const isTouched = (said: EngineEvent): said is Touched => said.call === 'change' && Object.hasOwn(ACTS, said.kind)

/** The runner of an owner sends the notices of its own claims and ends. */
const isOwn = (said: EngineEvent, owner: string): boolean =>
  (said.kind === 'claimed' && said.run.owner === owner) || (said.kind === 'settled' && said.owner === owner)

function noticeOf (said: EngineEvent): Notice {
  const { call: _, ...rest } = said
  if (rest.kind !== 'settled') return rest
  const { owner: __, ...settled } = rest
  return settled
}

function changedNotice (act: Act, touched: readonly Touched[], all: readonly EngineEvent[]): Notice {
  const byTask = Map.groupBy(touched, ({ run }) => run.task)
  const record = all.find(said => said.kind === 'recorded' && said.call === 'change' && said.action === act)
  const tasks = Object.fromEntries([...byTask].map(([task, same]) => [task, same.length]))
  return { kind: 'changed', act, count: touched.length, tasks, by: record?.kind === 'recorded' ? record.by : '' }
}

/** The notices of a commit, in its order, without those that the runner of this owner sends itself. A change of many
 *  runs is one notice in the place of the first. */
export function commitNotices (all: readonly EngineEvent[], owner: string): Notice[] {
  const byAct = Map.groupBy(all.filter(isTouched), ({ kind }) => ACTS[kind])
  const many = new Map([...byAct].filter(([, touched]) => touched.length > ONE_BY_ONE))
  return all.filter(said => !isOwn(said, owner)).flatMap(said => {
    const act = isTouched(said) ? ACTS[said.kind] : null
    const touched = act === null ? undefined : many.get(act)
    if (touched === undefined) return [noticeOf(said)]
    return touched[0] === said ? [changedNotice(act!, touched, all)] : []
  })
}
