import { type DynamicModule, Module } from '@nestjs/common';

import type { Gate } from '#libs/enforcement/gate.js';

import { GATE } from './http/gate-token.js';
import { HTTP_OPTIONS, type HttpOptions } from './http/http-options.js';
import type { ProtectedResource } from './http/protected-resource.js';
import { resourceController } from './http/resource-controller.js';
import { SecretController } from './http/secret-controller.js';
import { ValueController } from './http/value-controller.js';

@Module({})
class AppModule {}

/** One list of controllers, one Gate. */
export function appModule(gate: Gate, options: HttpOptions, resource: ProtectedResource): DynamicModule {
  return {
    module: AppModule,
    controllers: [ValueController, SecretController, resourceController(resource)],
    providers: [
      { provide: GATE, useValue: gate },
      { provide: HTTP_OPTIONS, useValue: options },
    ],
  };
}
