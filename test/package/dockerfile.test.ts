import t from 'tap'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './packed.ts'
import { defaultsOf } from '../../core/model/config/config.ts'
import { faultsOf } from './dockerfile.ts'
import { milliseconds } from '../../core/model/base/duration.ts'

const textOf = (name: string) => readFileSync(join(ROOT, 'deploy', name), 'utf8')
const DOCKERFILE = textOf('Dockerfile')
const COMPOSE = textOf('compose.yaml')

t.test('the Dockerfile breaks no rule', async t => {
  t.strictSame(faultsOf(DOCKERFILE), [])
})

/** A change of the Dockerfile, and the rule that it breaks. */
const WRONG: [string | RegExp, string, string][] = [
  [/node:\d\S+/, 'node:latest', 'an image without an exact version'],
  [/node:\d\S+/, 'node:26-slim', 'an image without an exact version'],
  ['USER 1000:1000\n', '', 'runs as root'],
  ['USER 1000:1000', 'USER root', 'runs as root'],
  ['EXPOSE 7420', 'RUN touch /tasks/x', 'root owns what comes after USER'],
  [/^HEALTHCHECK.*\n/m, '', 'no health check in exec form'],
  ['CMD ["offpeak", "health", "--live"]', 'CMD offpeak health', 'no health check in exec form'],
  ['CMD ["start"]', 'CMD start', 'a command in shell form'],
  ['"tini", "--", ', '', 'nothing reaps processes'],
  ['CMD ["start"]', 'CMD ["npm", "start"]', 'npm at run time'],
  ['/var/lib/apt/lists/* ', '', 'lists of packages that stay'],
  ['COPY . .', 'ADD . .', 'ADD where COPY is enough'],
  ['WORKDIR /tasks', 'WORKDIR tasks', 'a relative working folder'],
  ['ENV NODE_ENV', 'ENV OFFPEAK_TOKEN=abc NODE_ENV', 'a secret in the image'],
  ['--from=build', '--from=other', 'a copy from a stage that is not there']
]

t.test('each rule finds a Dockerfile that breaks it', async t => {
  for (const [from, to, fault] of WRONG) {
    const changed = DOCKERFILE.replace(from, to)
    t.not(changed, DOCKERFILE, `${fault} is tried`)
    t.strictSame(faultsOf(changed), [fault])
  }
})

t.test('the Node of the image is that of a clone', async t => {
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  t.strictSame([...new Set([...DOCKERFILE.matchAll(/FROM node:([\d.]+)/g)].map(([, version]) => version))], [
    devDependencies.node
  ])
})

t.test('what the build may read exists, and is enough for a package', async t => {
  const names = textOf('Dockerfile.dockerignore').trim().split('\n')
  t.equal(names[0], '*', 'nothing else comes along')
  const read = names.slice(1).map(name => name.replace(/^!/, ''))
  t.strictSame(read.filter(name => !existsSync(join(ROOT, name))), [])
  t.match(read, ['bin', 'core', 'plugins', 'backgroundtask', 'package'])
})

t.test('the service of compose has a read-only root, no rights, and time to stop', async t => {
  for (const line of ['read_only: true', '- ALL', '- no-new-privileges:true', 'image: offpeak:local',
    '- 127.0.0.1:7420:7420', 'OFFPEAK_TOKEN_FILE: /run/secrets/offpeak_token', '- data:/data']) {
    t.match(COMPOSE, new RegExp(`^ +${RegExp.escape(line)}$`, 'm'))
  }
  t.notMatch(COMPOSE, /latest|privileged: true|docker\.sock/)
  const grace = Number(/stop_grace_period: (\d+)s/.exec(COMPOSE)?.[1])
  t.ok(grace * 1000 > milliseconds(defaultsOf().manager.stop_grace) + 20_000)
})
