// A shared object that is no plugin.
int muster_something_else(void);

int
muster_something_else(void)
{
    return 0;
}
