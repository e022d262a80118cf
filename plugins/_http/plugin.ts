import fp from 'fastify-plugin'
import type { FastifyPluginAsync } from 'fastify'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { ManagerFace } from '../../core/index.ts'

/** The app that a plugin decorates: requests are typed by their schemas, and `manager` is the narrow face. */
export type PluginApp = Omit<Parameters<FastifyPluginAsyncTypebox>[0], 'manager'> & { readonly manager: ManagerFace }

export type Plugin = (app: PluginApp) => Promise<void>

/** Names a plugin and the plugins that it depends on. */
export const named = (name: string, plugin: Plugin, dependencies: string[] = []): FastifyPluginAsync =>
  fp(plugin as unknown as FastifyPluginAsync, { fastify: '5.x', name, dependencies })

/** Registers a plugin whose parsers and hooks apply to its own routes alone. */
export const encapsulated = async (app: PluginApp, plugin: Plugin): Promise<void> =>
  void await app.register(plugin as unknown as FastifyPluginAsync)
