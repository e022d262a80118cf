import t from 'tap'
import { defaultsOf } from '../../core/model/config/config.ts'
import { defineTask } from '../../core/load/define/define.ts'
import type { OffpeakError } from '../../core/model/errors/errors.ts'

const file = { url: 'file:///tasks/a.ts?v=1', text: 'export default {}' }
const config = defaultsOf('UTC')
const define = (fields: object, from: object = { module: file }) =>
  defineTask({
    definition: { id: 'a', func: () => 1, ...fields },
    pointer: '/default',
    contentHash: '',
    config,
    source: 'a.ts',
    ...from
  })

function refused (fields: object, from?: object): string[] {
  try {
    define(fields, from)
    return []
  } catch (error) {
    return (error as OffpeakError).errors!.map(({ pointer, detail }) => `${pointer} ${detail}`)
  }
}

t.test('a definition contains the place of its function', async t => {
  t.strictSame(define({ isolation: 'thread', memory_limit: '512 MB' }).work, {
    kind: 'isolated',
    within: 'thread',
    home: { ...file, pointer: '/default', id: 'a' },
    memory_mb: 488,
    env: {}
  })
  t.strictSame(define({ isolation: 'process', nice: 5, ionice: 'low', env: { A: '1' } }).work, {
    kind: 'isolated',
    within: 'process',
    home: { ...file, pointer: '/default', id: 'a' },
    memory_mb: null,
    env: { A: '1' },
    nice: 5,
    ionice: 'low'
  })
  t.match(define({ isolation: 'inline' }).work, { kind: 'function' })
  t.match(define({}, { module: file, override: { isolation: 'thread' } }).work, { within: 'thread' },
    'config.json may say so too')
})

t.test('an unsupported isolation is refused, with the supported ones', async t => {
  t.match(refused({ isolation: 'thread' }, {}), [
    /^\/default\/isolation found 'thread', expected 'inline': only a task file can be imported by a thread or process/
  ])
  t.match(refused({ isolation: 'thread' }, { script: { file: '/a.sh' } }), [
    /expected 'process': a script is always one/
  ])
  t.match(refused({ memory_limit: '1 GB' }), [
    /memory_limit found '1 GB', expected nothing: it is for isolation 'thread' and 'process'/
  ])
  t.match(refused({ isolation: 'thread', memory_limit: '1 MB' }), [/at least 16 MiB/])
  t.match(refused({ isolation: 'thread', memory_limit: 'plenty' }), [/found 'plenty', expected bytes/])
  t.match(refused({ isolation: 'thread', nice: 5, ionice: 'idle' }), [/nice found 5/, /ionice found 'idle'/])
  t.match(refused({ isolation: 'cellar' }), [/one of 'inline', 'thread', 'process'/])
})
