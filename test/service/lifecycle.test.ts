import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { Lifecycle, shared } from '../../core/model/base/service.ts'
import { fragile, serviceLaw } from './law.ts'
import { isUsers } from '../built-in.ts'
import { servicesIn } from './services-in.ts'

function fakeService () {
  let isAlive = false
  const broken = fragile(null)
  const service = new Lifecycle({
    start: async () => {
      isAlive = true
      await Promise.resolve()
      broken.read()
    },
    stop: () => {
      isAlive = false
    }
  })
  return { service, isAlive: () => isAlive, breakIt: broken.breakIt }
}

serviceLaw(t, 'Lifecycle', fakeService)

serviceLaw(t, 'shared', () => {
  const fake = fakeService()
  return { ...fake, service: shared(fake.service) }
})

t.test('a stop during a start that waits for an earlier stop ends that start', async t => {
  const { service, isAlive } = fakeService()
  await service.start()
  const stopping = service.stop()
  const starting = service.start()
  t.equal(service.state, 'stopping')
  await stopping
  t.equal(service.state, 'starting', 'it is not stopped while a start is pending')
  await service.stop()
  await starting
  t.strictSame([service.state, isAlive()], ['stopped', false])
})

t.test('each user of a shared service stops its own start alone', async t => {
  let users = 0
  const counted = {
    start: async () => void users++,
    stop: async () => void users--
  }
  const [one, other] = [shared(counted), shared(counted)]
  await Promise.all([one.start(), other.start(), one.start()])
  t.equal(users, 2)
  await Promise.all([one.stop(), one.stop()])
  await one.stop()
  t.equal(users, 1)
  counted.start = async () => {
    throw new Error('broken on purpose')
  }
  await t.rejects(one.start())
  t.equal(users, 1, 'a failed start does not affect the others')
})

/** Objects whose start leaves nothing to stop. */
const WITHOUT_STOP = ['Machine', 'firstReading']

t.test('whatever has start and stop is tested by serviceLaw', t => {
  const tried = new Set(
    globSync('test/service/*.test.ts').flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(/serviceLaw\(t, '(\w+)'/g)].map(([, name]) => name)
    )
  )
  const seen: string[] = []
  for (const file of globSync('{core,plugins,backgroundtask,bin}/**/*.{ts,mts,js,mjs}').filter(file =>
    !isUsers(file)
  )) {
    for (const { name, isClass, isStated, isEmpty } of servicesIn(readFileSync(file, 'utf8'))) {
      seen.push(name)
      if (isEmpty && WITHOUT_STOP.includes(name)) continue
      t.ok(!isClass || isStated, `${name} in ${file} has start and stop and implements Service`)
      t.ok(tried.has(name), `${name} in ${file} is tested in test/service`)
    }
  }
  t.strictSame([...tried, ...WITHOUT_STOP].filter(name => !seen.includes(name!)), ['shared'], 'the others are found')
  t.end()
})

t.test('a service is found in every form', t => {
  const forms = [
    'export class Own {\n  start () {}\n  async stop (): Promise<void> {}\n}',
    'export abstract class Own implements Service {\n  abstract start (): void\n  protected async stop () {}\n}',
    'class Own {\n  start = async () => { this.#open() }\n  readonly stop = () => undefined\n}',
    'abstract class Own { start = async () => undefined; stop = async () => undefined }',
    'export const Own = class {\n  start () {}\n  stop () {}\n}',
    'export function Own (ask: Ask): Service {\n  return { start: async () => open(ask), stop: () => close() }\n}',
    'const Own = () => {\n  const start = 1\n  return {\n    start,\n    stop\n  }\n}',
    'async function Own () {\n  return { a, async start () {}, stop: parts.stop }\n}',
    'export const Own: Service = {\n  start: () => opening.open(),\n  stop: () => opening.close()\n}'
  ]
  for (const form of forms) t.strictSame(servicesIn(form).map(({ name }) => name), ['Own'], form)
  const others = [
    'interface Own {\n  start(): void\n  stop(): void\n}',
    'type Own = {\n  start: () => void\n  stop: () => void\n}',
    'const { start, stop } = phases',
    'function own ({ start, stop }: Phases) {}',
    'const window = { start: 1, stop: 2 }',
    "const commands = { start: [['launchctl']], stop: [[]] }",
    '// { start () {}, stop () {} }\nconst text = `{ start () {}, stop () {} }`',
    'const life = new Lifecycle({ start: () => this.#start(), stop: () => this.#stop() })'
  ]
  for (const other of others) t.strictSame(servicesIn(other), [], other)
  t.end()
})
