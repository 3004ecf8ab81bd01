/* A file of code. */
#include <stdio.h>

/* Adds two numbers. */
static int add(int a, int b)
{
    return a + b;
}

/* Says hello.

   With a blank line in its comment. */
static void hello(void)
{
    printf("hello\n");

    printf("again\n");
}

int main(void)
{
    hello();
    return add(1, -1);
}
