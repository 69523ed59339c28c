// The enumerations whose numbers JavaScript passes to the addon. scripts/generateNative.mjs makes
// lib/backends/native/generated/enums.ts of them: run `npm run generate:native` after a change.
#pragma once

namespace vit {

enum Binary {
  kAdd,
  kSub,
  kMul,
  kDiv,
  kMaximum,
  kMinimum,
  kSquaredDifference,
  kMod,
  kPow,
  kAtan2,
  kPrelu,
  kEluGrad,
  kBitwiseAnd,
  kBinaryCount
};
enum Compare { kGreater, kGreaterEqual, kLess, kLessEqual, kEqual, kNotEqual, kCompareCount };
enum Unary {
  kNeg,
  kAbs,
  kSquare,
  kSqrt,
  kRsqrt,
  kReciprocal,
  kExp,
  kLog,
  kErf,
  kTanh,
  kSigmoid,
  kRelu,
  kStep,
  kCopy,
  kRoundBf16,
  kFloor,
  kCeil,
  kRound,
  kSign,
  kRelu6,
  kLeakyRelu,
  kElu,
  kSelu,
  kSoftplus,
  kLog1p,
  kExpm1,
  kSin,
  kCos,
  kTan,
  kAsin,
  kAcos,
  kAtan,
  kSinh,
  kCosh,
  kAsinh,
  kAcosh,
  kAtanh,
  kUnaryCount
};
enum Logical { kAnd, kOr, kLogicalCount };
enum Test { kIsNan, kIsInf, kIsFinite, kTestCount };
enum Reduce { kSum, kMean, kMax, kMin, kReduceCount };
enum IntReduce { kIntSum, kIntMax, kIntMin, kIntProd, kIntReduceCount };
// The activation after a matrix product: none, or a form of gelu (see vector_math.h).
enum Activation { kNone = -1, kGeluErf = 0, kGeluTanh = 1, kGeluQuick = 2, kActivationCount };
// The precision of the operands of a matrix product; sums are float32 in both.
enum Precision { kFp32, kBf16, kPrecisionCount };
// A mean is one of the pixels inside the image; without any it is NaN, or 0.
enum Pool { kMaxPool, kMeanPool, kMeanOrZeroPool, kPoolCount };
// The unit of a position: a pixel of the image, an element of it, or an element of the batch.
enum Position { kPixel, kElement, kElementOfBatch, kPositionCount };
// The value of a point beyond an image: the fill, its mirror image, that of an image beside it, or the nearest pixel.
enum Border { kConstant, kReflect, kWrap, kNearest, kBorderCount };

}  // namespace vit
