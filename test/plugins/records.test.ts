import t from 'tap'
import { setup } from './setup.ts'
import type { Notice } from '../../core/model/notice.ts'

t.test('the author is recorded in the same transaction: a POST waits for the disk once [S33]', async t => {
  const { ask, post, manager, finished } = await setup(t)
  manager.engine.record = async () => {
    throw new Error('a second write')
  }
  const by = (url: string, payload: object = {}) =>
    ask({ method: 'POST', url, payload, headers: { 'x-offpeak-by': 'ann' } })
  const single = await by('/api/tasks/echo/runs')
  t.equal(single.statusCode, 202)
  t.equal(
    (await by('/api/runs/bulk', { runs: [{ task: 'echo', delay: '1h' }, { task: 'echo', delay: '1h' }] })).statusCode,
    201
  )
  const flow = await by('/api/flows', {
    runs: [{ task: 'echo', delay: '1h', ref: 'a' }, { task: 'echo', after: ['#a'] }]
  })
  t.equal(flow.statusCode, 201)
  await finished(single.json().id)
  t.equal((await by(`/api/runs/${single.json().id}/retry`)).statusCode, 202)
  const { id } = flow.json().runs[0]
  t.equal((await by(`/api/runs/${id}/cancel`)).statusCode, 200)
  t.equal((await by('/api/pauses', { scope: 'all' })).statusCode, 201)
  t.equal(
    (await ask({ method: 'DELETE', url: '/api/pauses?scope=all', headers: { 'x-offpeak-by': 'ann' } })).statusCode,
    204
  )
  const { items } = (await ask({ url: '/api/records' })).json()
  t.same(items.map((entry: { by: string, action: string, subject: string }) => [entry.by, entry.action, entry.subject]),
    [
      ['ann', 'resume', 'all'],
      ['ann', 'pause', 'all'],
      ['ann', 'cancel', id],
      ['ann', 'retry', single.json().id],
      ['ann', 'flow', id],
      ['ann', 'run', '*'],
      ['ann', 'run', single.json().id]
    ])
  t.equal((await post('/api/tasks/typed/runs', { payload: 'wrong' })).statusCode, 422)
  t.equal((await ask({ url: '/api/records' })).json().items.length, 7, 'what was refused is not recorded')
})

t.test('changes by filter send one notice per run up to a hundred, and counts beyond', async t => {
  const { post, manager } = await setup(t)
  const received: Notice[] = []
  manager.onNotice(notice => {
    received.push(notice)
  })
  const add = (count: number) =>
    post('/api/runs/bulk', { runs: Array.from({ length: count }, () => ({ task: 'echo', delay: '1h' })) })
  const kinds = () =>
    received.splice(0).flatMap(({ kind }) =>
      ['cancelled', 'added', 'removed', 'edited', 'changed'].includes(kind) ? [kind] : []
    )
  await add(3)
  kinds()
  await post('/api/runs/promote', { filter: { task: 'echo' }, dry_run: true })
  await post('/api/runs/cancel', { filter: { task: 'echo' } })
  t.same(kinds(), ['cancelled', 'cancelled', 'cancelled'])
  await post('/api/runs/delete', { filter: { task: 'echo' } })
  t.same(kinds(), ['removed', 'removed', 'removed'])
  await add(150)
  kinds()
  await post('/api/runs/cancel', { filter: { task: 'echo' }, reason: 'enough' })
  t.match(received.filter(({ kind }) => kind === 'changed'), [{
    kind: 'changed',
    act: 'cancel',
    count: 150,
    tasks: { echo: 150 },
    by: 'api'
  }])
  t.same(kinds(), ['changed'])
})
