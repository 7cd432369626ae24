import { Controller, Get, Query, type Type } from '@nestjs/common';
import type { DiscoveryService } from '@nestjs/core';
import { Public } from '@puerta/auth';
import { Routes } from './routes';

@Controller('forgotten')
class ForgottenController {
  @Get()
  forgotten(): void {}
}

@Controller('loose')
@Public()
class LooseController {
  @Get()
  loose(@Query('limit') _limit: string): void {}
}

@Controller('health')
@Public()
class HealthController {
  @Get()
  health(): void {}
}

const start = (...controllers: Type[]): Routes => {
  const getControllers = () => controllers.map((metatype) => ({ metatype }));
  const routes = new Routes({ getControllers } as unknown as DiscoveryService);
  routes.onModuleInit();
  return routes;
};

describe('the table of routes', () => {
  it('keeps the gateway from starting with a route that nobody decided about, and names it', () => {
    expect(start(HealthController).all).toHaveLength(1);
    expect(() => start(HealthController, ForgottenController)).toThrow(
      'ForgottenController.forgotten does not say who may use it',
    );
  });

  it('keeps it from starting with an argument that nothing would validate', () => {
    expect(() => start(LooseController)).toThrow('LooseController.loose takes an argument that is no DTO class');
  });
});
