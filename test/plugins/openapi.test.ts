import t from 'tap'
import { Compile } from 'typebox/compile'
import { setup } from './setup.ts'
import type { Given } from './setup.ts'

interface Media {
  schema: object
  example?: unknown
}

interface Operation {
  operationId?: string
  summary?: string
  description?: string
  security?: object[]
  parameters?: { name: string, in: string, description?: string }[]
  requestBody?: { required: boolean, content: Record<string, Media> }
  responses: Record<string, { $ref?: string, description?: string, content?: Record<string, Media> }>
}

interface Document {
  paths: Record<string, Record<string, Operation>>
  components: { schemas: object, responses: Record<string, object> }
}

type Setup = Awaited<ReturnType<typeof setup>>

async function document ({ ask }: Setup) {
  const answer = await ask({ url: '/api/openapi.json' })
  const { paths, components } = answer.json() as Document
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as 'GET',
      path,
      what: `${method.toUpperCase()} ${path}`,
      operation
    }))
  )
  return { operations, components }
}

/** A schema with the components that it refers to. */
const checkOf = (schema: object, { schemas }: Document['components']) => {
  const texts = JSON.stringify(schemas).replaceAll('#/components/schemas/', '')
  const own = JSON.stringify(schema).replaceAll('#/components/schemas/', '')
  return Compile(JSON.parse(texts), JSON.parse(own))
}

/** The document with its server, which the tests share. */
const setUp = async (t: Parameters<typeof setup>[0], given: Given = {}) => {
  const place = await setup(t, given)
  return { ...place, ...await document(place) }
}
const shared = setUp(t)

t.test('every operation has an id of its own, a summary, a description, and described parameters', async t => {
  const { operations } = await shared
  const ids = operations.map(({ operation }) => operation.operationId)
  t.equal(new Set(ids).size, operations.length)
  t.ok(operations.length > 45)
  const faults = operations.flatMap((
    { what, operation: { operationId = '', summary = '', description = '', parameters = [] } }
  ) => [
    ...parameters.filter(parameter => !/^\w.{5,}$/.test(parameter.description ?? '')).map(({ name }) =>
      `${what} ${name}`
    ),
    ...parameters.filter(parameter => /[{}]|of the $/.test(parameter.description ?? '')).map(({ name }) =>
      `${what} ${name}`
    ),
    ...[operationId, summary, description].every(text => /^\S.{3,}/.test(text)) ? [] : [what]
  ])
  t.strictSame(faults, [], 'add them to ROUTES or PARAMETERS of plugins/_openapi/words.ts')
})

t.test('every body and every answer has an example that its schema accepts', async t => {
  const { operations, components } = await shared
  const media = operations.flatMap(({ what, operation: { requestBody, responses } }) => {
    const answers = Object.entries(responses).filter(([status]) => status.startsWith('2'))
    t.ok(answers.length > 0, `${what} has a successful answer`)
    const parts = [['body', requestBody?.content] as const,
      ...answers.map(([status, { content }]) => [status, content] as const)]
    return parts.flatMap(([part, content = {}]) =>
      Object.values(content).map(({ schema, example }) => ({ what: `${what} ${part}`, schema, example }))
    )
  })
  const checks = new Map<string, ReturnType<typeof checkOf>>()
  const faults = media.filter(({ schema, example }) => {
    const key = JSON.stringify(schema)
    const check = checks.get(key) ?? checkOf(schema, components)
    checks.set(key, check)
    return !check.Check(example)
  })
  t.strictSame(faults, [])
  t.ok(media.length > 50)
})

t.test('a body is required where a request without one is refused', async t => {
  const { operations, ask } = await shared
  const writes = operations.filter(({ operation }) => operation.requestBody?.content['application/json'])
  t.ok(writes.length > 10)
  for (const { method, path, what, operation } of writes) {
    const { statusCode } = await ask({ method, url: path.replaceAll(/\{\w+\}/g, 'nope') })
    t.equal(statusCode === 422, operation.requestBody!.required, `${what} ${statusCode}`)
  }
})

const TOKEN = 'a-secret-of-the-owner-0123456789'
const SERVERS = [{}, { private_reads: 'open' as const }, { host: '0.0.0.0' }, { trust_proxy: true }]

for (const server of SERVERS) {
  t.test(`security is stated where a token is demanded: ${JSON.stringify(server)}`, async t => {
    const { operations, plain } = await setUp(t, { server, env: { OFFPEAK_TOKEN: TOKEN } })
    const faults: string[] = []
    for (const { method, path, what, operation: { security = [] } } of operations) {
      // A stream does not end.
      if (path === '/api/events') continue
      const { statusCode } = await plain({ method, url: path.replaceAll(/\{\w+\}/g, 'echo') })
      const isFree = security.length === 0 || security.some(one => Object.keys(one).length === 0)
      if ((statusCode === 401) === isFree) faults.push(`${what}: ${statusCode}`)
    }
    t.strictSame(faults, [])
    const open = operations.filter(({ operation }) => operation.security!.length === 0).map(({ path }) => path)
    t.strictSame(open, ['/livez', '/readyz'], 'no token is needed anywhere')
  })
}

t.test('a refused request gets a status that its operation lists', async t => {
  const { operations, components, ask } = await shared
  const json = { 'content-type': 'application/json' }
  const faults: string[] = []
  for (const { method, path, what, operation: { responses, requestBody } } of operations) {
    if (path === '/api/events') continue
    const url = path.replaceAll(/\{\w+\}/g, 'nope')
    const asks = [
      { url, headers: { authorization: 'Bearer wrong' } },
      { url, headers: { host: 'example.org' } },
      { url },
      { url: `${url}?from=x&limit=x` },
      { url: `${url}?cursor=x` },
      { url: path.replaceAll(/\{\w+\}/g, 'x'.repeat(200)) },
      ...requestBody === undefined ? [] : [
        { url, headers: json, payload: '{' },
        { url, headers: json, payload: '[]' },
        { url, headers: { 'content-type': 'text/plain' }, payload: 'x' }
      ]
    ]
    for (const one of asks) {
      const { statusCode } = await ask({ method, ...one })
      if (statusCode >= 400 && !responses[statusCode]) faults.push(`${what}: ${statusCode} of ${JSON.stringify(one)}`)
    }
    const named = Object.values(responses).flatMap(({ $ref }) => $ref ?? []).map(ref => ref.split('/').at(-1)!)
    faults.push(...named.filter(name => components.responses[name] === undefined))
    if (!named.includes('Problem')) faults.push(`${what}: no default`)
  }
  t.strictSame(faults, [])
})
