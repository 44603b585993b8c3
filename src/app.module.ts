import { type DynamicModule, Module } from '@nestjs/common';

import type { Gate } from '#libs/enforcement/gate.js';

import { GATE } from './http/gate-token.js';
import { HTTP_OPTIONS, type HttpOptions } from './http/http-options.js';
import { SecretController } from './http/secret-controller.js';
import { ValueController } from './http/value-controller.js';

@Module({ controllers: [ValueController, SecretController] })
class AppModule {}

/** One list of controllers, one Gate. */
export function appModule(gate: Gate, options: HttpOptions): DynamicModule {
  return {
    module: AppModule,
    providers: [
      { provide: GATE, useValue: gate },
      { provide: HTTP_OPTIONS, useValue: options },
    ],
  };
}
