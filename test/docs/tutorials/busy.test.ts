import t from 'tap'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TaskDefinition } from '../../../core/index.ts'
import { createTestManager } from '../../../core/simulate/testkit.ts'
import { blocksOf } from '../blocks.ts'
import { put } from '../place.ts'

const BUSY = {
  cpu: { busy: 0.97, own: 0, load: 3 },
  pressure: { cpu: { some: 0.8, full: 0 }, io: { some: 0.8, full: 0.5 }, memory: { some: 0, full: 0 } },
  io: { busy: 0.95 }
}

const RUNS = [
  { page: 'docs/tutorials/first-task.md', id: 'disk_space', payload: null },
  { page: 'docs/tutorials/embed-in-fastify.md', id: 'welcome', payload: { email: 'ada@example.org' } }
]

for (const { page, id, payload } of RUNS) {
  t.test(`the last version of ${id} in ${page} starts on a busy machine`, async t => {
    const { text } = blocksOf(page).findLast(({ file }) => file === `backgroundtask/${id}.ts`)!
    const folder = t.testdir()
    put(folder, `${id}.ts`, text)
    const { TASK_DEFINITIONS } = await import(pathToFileURL(join(folder, `${id}.ts`)).href) as {
      TASK_DEFINITIONS: TaskDefinition[]
    }
    const idle: TaskDefinition = { id: 'ordinary', func: () => null }
    const kit = await createTestManager({
      tasks: [...TASK_DEFINITIONS, idle],
      reading: BUSY,
      services: { mailer: { send: async () => undefined } }
    })
    t.teardown(() => kit.close())
    await kit.advance('2m')
    await kit.signal('place', 'home')
    const ordinary = await kit.enqueue('ordinary')
    const run = await kit.enqueue(id, { payload })
    await kit.waitFor(ordinary.id, 'held')
    t.match(await kit.waitFor(run.id, 'completed'), { task: id })
  })
}
