import t from 'tap'
import type { Test } from 'tap'
import { LogSync } from '../../core/engine/sqlite/file/log-sync.ts'
import { ask as askFor } from '../engine/contract/fixtures.ts'
import { held, setup } from './setup.ts'
import { isFinal } from '../../core/model/run/run.ts'
import { until } from '../clock.ts'
import type { Notice } from '../../core/model/notice.ts'
import type { TaskDefinition } from '../../core/model/task/task.ts'

const turn = () =>
  new Promise(resolve => {
    setImmediate(resolve)
  })

type TaskFunction = ReturnType<typeof held>['func']

/** A task that ends at once, and one each that succeeds and fails when its function returns. */
const tasksWith = (ends: TaskFunction, fails: TaskFunction): TaskDefinition[] => [
  { id: 'echo', func: () => 1 },
  { id: 'ends', func: ends, max_retries: 0 },
  {
    id: 'fails',
    max_retries: 0,
    func: async ctx => {
      await fails(ctx)
      throw new Error('no')
    }
  }
]

/** A server whose disk confirms nothing between `hold` and `release`. */
async function withDisk (t: Test) {
  const [ends, fails] = [held(), held()]
  const notices: Notice[] = []
  let open: PromiseWithResolvers<void> | null = null
  const flushed = LogSync.prototype.flushed
  t.capture(LogSync.prototype, 'flushed', async function (this: LogSync) {
    await open?.promise
    await flushed.call(this)
  })
  const it = await setup(t, {
    options: { onNotice: notice => void notices.push(notice) },
    tasks: tasksWith(ends.func, fails.func)
  })
  const hold = () => {
    open = Promise.withResolvers()
  }
  const release = () => {
    open?.resolve()
    open = null
  }
  t.teardown(release)
  const added = async (task: string, more: object = {}): Promise<string> =>
    (await it.post(`/api/tasks/${task}/runs`, more)).json().id
  const stored = (id: string, state: string) =>
    until(`${id} is stored as ${state}`, async () => (await it.manager.engine.get(id))?.state === state)
  /** The kinds of notices about the end of a run. */
  const noticesOf = (id: string) =>
    notices.flatMap(notice =>
      'run' in notice && 'state' in notice.run && notice.run.id === id && isFinal(notice.run.state) ? [notice.kind] : []
    )
  return { ...it, ends, fails, hold, release, added, stored, noticesOf }
}

type Disk = Awaited<ReturnType<typeof withDisk>>

/** One way in which a run ends. `make` adds the run; `end` ends it. */
interface Way {
  name: string
  state: string
  make: (disk: Disk) => Promise<{ id: string, end: () => unknown }>
}

const WAYS: Way[] = [
  {
    name: 'is completed',
    state: 'completed',
    make: async ({ added, ends, stored }) => {
      const id = await added('ends')
      await stored(id, 'running')
      return { id, end: () => ends.release() }
    }
  },
  {
    name: 'fails',
    state: 'failed',
    make: async ({ added, fails, stored }) => {
      const id = await added('fails')
      await stored(id, 'running')
      return { id, end: () => fails.release() }
    }
  },
  {
    name: 'is cancelled',
    state: 'cancelled',
    make: async ({ added, post }) => {
      const id = await added('echo', { delay: '1h' })
      return { id, end: () => void post(`/api/runs/${id}/cancel`) }
    }
  },
  {
    name: 'is cancelled with others',
    state: 'cancelled',
    make: async ({ added, post }) => {
      const id = await added('echo', { delay: '1h' })
      return { id, end: () => void post('/api/runs/cancel', { filter: { task: 'echo' } }) }
    }
  },
  {
    name: 'is skipped for what it waited for',
    state: 'skipped',
    make: async ({ post, fails, stored }) => {
      const [first, second] =
        (await post('/api/flows', { runs: [{ ref: 'a', task: 'fails' }, { task: 'echo', after: [{ run: '#a' }] }] }))
          .json().runs
      await stored(first.id, 'running')
      return { id: second.id, end: () => fails.release() }
    }
  },
  {
    name: 'is dropped from a full queue',
    state: 'skipped',
    make: async ({ added, manager }) => {
      const id = await added('echo', { delay: '1h' })
      const now = Date.now()
      return {
        id,
        end: () =>
          void manager.engine.add([askFor({ task: 'echo', due_at: now + 9e6 })], now, {
            bounds: { default: { max: 1, on_full: 'drop_oldest' } }
          })
      }
    }
  },
  {
    name: 'is replaced',
    state: 'cancelled',
    make: async ({ added, manager }) => {
      const id = await added('echo', { delay: '1h' })
      return {
        id,
        end: () =>
          void manager.engine.cancel({
            id,
            now: Date.now(),
            reason: { code: 'replaced', message: 'a later fire takes its place' }
          })
      }
    }
  },
  {
    name: 'passes its deadline',
    state: 'failed',
    make: async ({ added, manager }) => {
      const id = await added('echo', { delay: '1h' })
      return {
        id,
        end: () =>
          void manager.engine.end({
            id,
            now: Date.now(),
            as: 'failed',
            reason: { code: 'deadline', message: 'too late' }
          })
      }
    }
  }
]

for (const { name, state, make } of WAYS) {
  t.test(`no response or notice says that a run ${name} before that is durable [F03]`, async t => {
    const disk = await withDisk(t)
    const { id, end } = await make(disk)
    const { task } = (await disk.ask({ url: `/api/runs/${id}` })).json()
    disk.hold()
    end()
    await disk.stored(id, state)
    const faces = [`/api/runs/${id}`, `/api/runs?state=${state}`, '/api/tasks', `/api/tasks/${task}`, '/api/stats',
      `/api/runs/${id}/progress`]
    const answered: string[] = []
    const asked = faces.map(async url => {
      const answer = await disk.ask({ url })
      answered.push(url)
      return answer
    })
    t.equal((await disk.ask({ url: '/api/health' })).statusCode, 200, 'health does not wait')
    for (let count = 0; count < 20; count++) await turn()
    t.same([answered, disk.noticesOf(id)], [[], []])
    disk.release()
    const [run] = await Promise.all(asked)
    t.match(run!.json(), { state })
    t.equal(run!.headers['offpeak-durable'], undefined)
    await until('listeners are notified', () => disk.noticesOf(id).length > 0)
    t.equal((await disk.ask({ url: `/api/runs/${id}` })).json().state, state)
  })
}

t.test('a response that waits too long for the disk says that it is not durable', async t => {
  const disk = await withDisk(t)
  const id = await disk.added('echo', { delay: '1h' })
  disk.hold()
  void disk.post(`/api/runs/${id}/cancel`)
  await disk.stored(id, 'cancelled')
  const timers = t.capture(globalThis, 'setTimeout', ((act: () => void) => {
    setImmediate(act)
  }) as unknown as typeof setTimeout)
  const answer = await disk.ask({ url: `/api/runs/${id}` })
  timers.restore()
  t.match(answer.json(), { state: 'cancelled' })
  t.equal(answer.headers['offpeak-durable'], 'false')
  disk.release()
})

t.test('a disk that fails to confirm an end makes the response an error', async t => {
  const disk = await withDisk(t)
  const id = await disk.added('echo', { delay: '1h' })
  const { promise, reject } = Promise.withResolvers<void>()
  t.capture(LogSync.prototype, 'flushed', () => promise)
  void disk.post(`/api/runs/${id}/cancel`)
  await disk.stored(id, 'cancelled')
  const asked = disk.ask({ url: `/api/runs/${id}` })
  await turn()
  reject(new Error('EIO'))
  const { statusCode, json } = await asked
  t.match([statusCode, json().code], [503, 'OFFPEAK_ENGINE_FAILED'])
  t.same(disk.noticesOf(id), [])
})
