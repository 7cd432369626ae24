import { Controller } from '@nestjs/common';
import {
  identityContract,
  type LoginAnswer,
  LoginDto,
  NothingDto,
  RegisterDto,
  UpdateMeDto,
  type UserProfile,
} from '@puerta/contracts';
import { Handles } from '@puerta/messaging';
import type { Context } from '../actor';
import { UsersService } from './users.service';

@Controller()
export class UsersMessages {
  constructor(private readonly users: UsersService) {}

  @Handles(identityContract, 'users.register')
  register(dto: RegisterDto, context: Context): Promise<LoginAnswer> {
    return this.users.register(context, dto);
  }

  @Handles(identityContract, 'users.login')
  login(dto: LoginDto, context: Context): Promise<LoginAnswer> {
    return this.users.login(context, dto);
  }

  @Handles(identityContract, 'users.me')
  me(_dto: NothingDto, context: Context): Promise<UserProfile> {
    return this.users.me(context);
  }

  @Handles(identityContract, 'users.update-me')
  updateMe(dto: UpdateMeDto, context: Context): Promise<UserProfile> {
    return this.users.updateMe(context, dto);
  }
}
