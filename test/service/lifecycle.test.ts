import t from 'tap'
import { globSync, readFileSync } from 'node:fs'
import { Lifecycle, shared } from '../../core/model/base/service.ts'
import { fragile, serviceLaw } from './law.ts'

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

t.test('each class in core with start and stop is tested by serviceLaw', t => {
  const tried = new Set(
    globSync('test/service/*.test.ts').flatMap(file =>
      [...readFileSync(file, 'utf8').matchAll(/serviceLaw\(t, '(\w+)'/g)].map(([, name]) => name)
    )
  )
  for (const file of globSync('core/**/*.ts')) {
    const source = readFileSync(file, 'utf8')
    for (const part of source.split(/^(?=(?:export )?class )/m)) {
      const [, name, implemented] = /^(?:export )?class (\w+)(?:<.*?>)?(?: implements ([^{]*))? \{/.exec(part) ?? []
      if (name === undefined || !/^ {2}(?:async )?start \(/m.test(part) || !/^ {2}(?:async )?stop \(/m.test(part)) {
        continue
      }
      t.ok(implemented, `${name} in ${file} has start and stop and implements Service`)
      t.ok(tried.has(name), `${name} in ${file} is tested in test/service`)
    }
  }
  t.end()
})
