import { isDeepStrictEqual } from 'node:util'
import { Problem } from '../_schema/base.ts'
import { exampleOf } from './example.ts'
import type { SchemaNode } from './example.ts'
import { ANSWERS } from './words.ts'

interface Media {
  schema?: SchemaNode
  example?: unknown
  examples?: unknown
}

interface Response {
  description: string
  headers?: Record<string, object>
  content?: Record<string, Media>
}

interface Operation {
  requestBody?: { required?: boolean, content: Record<string, Media> }
  responses: Record<string, Response | { $ref: string }>
  'x-problems'?: number[]
  'x-tag'?: boolean
}

/** An OpenAPI document, as far as it is changed here. */
export interface OpenApi {
  paths?: Record<string, Record<string, Operation>>
  components?: { schemas?: Record<string, SchemaNode>, responses?: Record<string, Response> }
}

const RETRY = { 'Retry-After': { description: 'Seconds until the next try', schema: { type: 'integer' } } }

const TAG = { ETag: { description: 'Changes with the answer', schema: { type: 'string' } } }

const isTitle = (title: string | undefined) => title !== undefined && /^[A-Z]\w*$/.test(title)

/** The node with a reference in place of each schema whose title is a name, such as `Run`; these are added to
 *  `schemas`. Throws when two schemas share a title. */
function named (node: unknown, schemas: Record<string, SchemaNode>): unknown {
  if (Array.isArray(node)) return node.map(item => named(item, schemas))
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [
    key,
    key === 'example' || key === 'examples' ? value : named(value, schemas)
  ])) as SchemaNode
  const { title, type, description } = copy
  if (!isTitle(title)) return copy
  const types = [type ?? []].flat()
  const whole = types.includes('null') ? { ...copy, type: types[0]! } : copy
  const known = schemas[title!] ??= whole
  if (!isDeepStrictEqual(known, whole)) throw new Error(`Two schemas have the title ${title}`)
  const reference = { $ref: `#/components/schemas/${title}` }
  return whole === copy ? reference : { anyOf: [reference, { type: 'null' }], description }
}

function withExamples (content: Record<string, Media>): void {
  for (const media of Object.values(content)) {
    if (media.schema !== undefined && media.examples === undefined) media.example ??= exampleOf(media.schema)
  }
}

/** The name of the problem with a status among the responses of the components. */
const problemName = (status: number | 'default') => status === 'default' ? 'Problem' : `Problem${status}`

function problem (status: number | 'default'): Response {
  const schema = Problem as SchemaNode
  return {
    description: status === 'default' ? 'Another problem' : ANSWERS[status]!,
    ...(status === 429 || status === 503) && { headers: RETRY },
    content: { 'application/problem+json': { schema } }
  }
}

function finishOperation (operation: Operation): void {
  const { requestBody, responses, 'x-problems': statuses = [], 'x-tag': isTagged } = operation
  if (requestBody !== undefined) {
    const { required = [], minProperties = 0, type } = Object.values(requestBody.content)[0]!.schema!
    // A missing body is the same as an empty object.
    requestBody.required = type === 'string' || required.length > 0 || minProperties > 0
    withExamples(requestBody.content)
  }
  for (const response of Object.values(responses)) if ('content' in response) withExamples(response.content ?? {})
  if (isTagged) {
    Object.assign(responses['200']!, { headers: TAG })
    responses['304'] = { description: ANSWERS[304]!, headers: TAG }
  }
  for (const status of [...statuses, 'default'] as const) {
    responses[status] = { $ref: `#/components/responses/${problemName(status)}` }
  }
  delete operation['x-problems']
  delete operation['x-tag']
}

/** The document with examples, the problems of each operation, and schemas that share a title in its components. */
export function finished<D extends OpenApi> (document: D): D {
  const operations = Object.values(document.paths ?? {}).flatMap(methods => Object.values(methods))
  const statuses = new Set(operations.flatMap(operation => operation['x-problems'] ?? []))
  for (const operation of operations) finishOperation(operation)
  const responses = Object.fromEntries([...[...statuses].toSorted(), 'default' as const].map(status => [
    problemName(status),
    problem(status)
  ]))
  const schemas: Record<string, SchemaNode> = {}
  const { paths, ...rest } = named({ ...document, components: { ...document.components, responses } }, schemas) as D
  return { ...rest, components: { ...rest.components, schemas }, paths } as D
}
